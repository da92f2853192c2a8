//! Tests of the policy topic.

#[cfg(test)]
mod built_in;
#[cfg(test)]
mod compiled;
mod conditions;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod narrow;
#[cfg(test)]
mod presets;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod schema;
mod toolchain;
#[cfg(test)]
mod world;
