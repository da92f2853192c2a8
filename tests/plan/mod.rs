//! Plans: reading, checking, importing.

mod read;
