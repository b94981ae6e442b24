//! The log from outside: what survives restarts, crashes, failures and damage.

#[cfg(test)]
mod append;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod folder;
#[cfg(test)]
mod recovery_table;
