//! What the output of real tools is taken for: recorded, made by the tools that are installed, and hostile.

mod hostile;
mod recorded;
mod tools;
