//! What a command changed, read from the layer that took its writes.
//! Knows neither how that layer came to be mounted nor who judges what it holds.

mod error;
mod overlay;
mod read;
mod side;

pub use error::ReadError;
pub use read::{Bounds, read, read_within};
pub use side::{open_before, open_written};
