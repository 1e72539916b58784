//! The commands, by theme, and the one table of them.

pub mod breakpoints;
pub mod data;
pub mod display;
pub mod emulator;
pub mod forks;
pub mod info;
pub mod locations;
pub mod misc;
pub mod registers;
pub mod run;
pub mod settings;
pub mod shell;
pub mod signals;
pub mod source;
pub mod stack;
pub mod start;
pub mod step;
pub mod stops;
pub mod table;
