//! The pages of lightsout, opened in a headless Chromium.
