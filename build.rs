//! Compiles the schemas of `proto/` to Rust. `protox` is a protobuf compiler in Rust, so no `protoc` is needed.

use std::error::Error;
use std::path::Path;

const FILES: &[&str] = &[
    "proto/windlass/v1/bundle.proto",
    "proto/windlass/v1/content.proto",
    "proto/windlass/v1/envelope.proto",
    "proto/windlass/v1/group.proto",
    "proto/windlass/v1/link.proto",
    "proto/windlass/store/v1/rows.proto",
];

/// Rows that hold secrets or what people wrote: no `Debug` is derived for any of them.
const WITHOUT_DEBUG: &[&str] = &[
    ".windlass.store.v1",
    ".windlass.v1.Payload",
    ".windlass.v1.Pair",
    ".windlass.v1.Content",
    ".windlass.v1.Text",
    ".windlass.v1.Data",
    ".windlass.v1.Opaque",
    ".windlass.v1.Copy",
    ".windlass.v1.Edit",
    ".windlass.v1.Attachment",
    ".windlass.v1.TransferBody",
    ".windlass.v1.OwnWords",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, [Path::new("proto")])?;
    let mut config = prost_build::Config::new();
    config.skip_debug(WITHOUT_DEBUG.iter().copied());
    config.compile_fds(descriptors)?;
    Ok(())
}
