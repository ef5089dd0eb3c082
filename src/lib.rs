//! lightsout
