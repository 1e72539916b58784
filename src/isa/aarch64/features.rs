//! What the guest is told about the CPU: hardware capabilities and identification registers, from one table.

use super::decode::Feature;

/// One feature as Linux reports it.
struct Report {
    feature: Feature,
    /// Bit of AT_HWCAP (Linux `asm/hwcap.h`).
    hwcap: u32,
    /// The identification register that has its field.
    register: IdRegister,
    /// Lowest bit of the four-bit field.
    lsb: u32,
    /// Value of the field.
    value: u64,
}

/// Identification registers with fields that depend on features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Arm's names, without "ID_AA64" and "_EL1".
pub enum IdRegister {
    Pfr0,
    Isar0,
    Isar1,
}

const fn report(
    feature: Feature,
    hwcap: u32,
    register: IdRegister,
    lsb: u32,
    value: u64,
) -> Report {
    Report {
        feature,
        hwcap,
        register,
        lsb,
        value,
    }
}

/// Features that are implemented whole. Where two rows fill one field, the larger value holds.
const REPORTS: &[Report] = &[
    report(Feature::Fp, 0, IdRegister::Pfr0, 16, 0),
    report(Feature::AdvSimd, 1, IdRegister::Pfr0, 20, 0),
    report(Feature::Aes, 3, IdRegister::Isar0, 4, 1),
    report(Feature::Pmull, 4, IdRegister::Isar0, 4, 2),
    report(Feature::Sha1, 5, IdRegister::Isar0, 8, 1),
    report(Feature::Sha256, 6, IdRegister::Isar0, 12, 1),
    report(Feature::Crc32, 7, IdRegister::Isar0, 16, 1),
    report(Feature::Lse, 8, IdRegister::Isar0, 20, 2),
    report(Feature::Lrcpc, 15, IdRegister::Isar1, 20, 1),
];

/// HWCAP_CPUID: user mode may read the identification registers.
const HWCAP_CPUID: u64 = 1 << 11;

/// AT_HWCAP and AT_HWCAP2.
pub fn hwcaps() -> (u64, u64) {
    let bits = REPORTS
        .iter()
        .fold(HWCAP_CPUID, |all, r| all | 1 << r.hwcap);
    (bits, 0)
}

/// Whether the guest is told of `feature`.
pub fn is_reported(feature: Feature) -> bool {
    feature == Feature::Base || REPORTS.iter().any(|r| r.feature == feature)
}

/// Value of an identification register as Linux shows it to user mode: fields that it hides have their "not implemented" value.
pub fn id_register(register: IdRegister) -> u64 {
    let mut value = match register {
        // EL0 and EL1 are AArch64 only; FP and AdvSIMD are absent unless reported.
        IdRegister::Pfr0 => 0x00ff_0011,
        IdRegister::Isar0 | IdRegister::Isar1 => 0,
    };
    for r in REPORTS.iter().filter(|r| r.register == register) {
        let field = 0xf << r.lsb;
        let old = (value & field) >> r.lsb;
        let new = if old == 0xf {
            r.value
        } else {
            old.max(r.value)
        };
        value = value & !field | new << r.lsb;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_reported_if_and_only_if_it_has_rows() {
        let rows = super::super::rows();
        for r in REPORTS {
            assert!(rows.iter().any(|row| row.feature == r.feature));
        }
        for row in rows {
            assert!(is_reported(row.feature), "{}: {:?}", row.name, row.feature);
        }
    }

    #[test]
    fn identification_registers_say_what_the_capabilities_say() {
        let (hwcap, _) = hwcaps();
        assert_eq!(
            hwcap >> 8 & 1 != 0,
            id_register(IdRegister::Isar0) >> 20 & 15 == 2
        );
        assert_eq!(
            hwcap & 1 != 0,
            id_register(IdRegister::Pfr0) >> 16 & 15 == 0
        );
    }
}
