//! The interactive prompt of `emu`, over the trait `Inferior` of `emu-stub`.
