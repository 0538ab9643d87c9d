//! Compiles the schemas of `proto/` to Rust. `protox` is a protobuf compiler in Rust, so no `protoc` is needed.

use std::error::Error;
use std::path::Path;

const FILES: &[&str] = &[
    "proto/windlass/v2/bundle.proto",
    "proto/windlass/v2/content.proto",
    "proto/windlass/v2/envelope.proto",
    "proto/windlass/v2/group.proto",
    "proto/windlass/v2/link.proto",
    "proto/windlass/store/v1/rows.proto",
    "proto/windlass/store/v1/hand_over.proto",
];

/// Rows that hold secrets or what people wrote: no `Debug` is derived for any of them.
const WITHOUT_DEBUG: &[&str] = &[
    ".windlass.store.v1",
    ".windlass.v2.Payload",
    ".windlass.v2.Pair",
    ".windlass.v2.Content",
    ".windlass.v2.Text",
    ".windlass.v2.TextSpan",
    ".windlass.v2.Forward",
    ".windlass.v2.LinkPreview",
    ".windlass.v2.Data",
    ".windlass.v2.Opaque",
    ".windlass.v2.Copy",
    ".windlass.v2.Edit",
    ".windlass.v2.Attachment",
    ".windlass.v2.TransferBody",
    ".windlass.v2.OwnWords",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, [Path::new("proto")])?;
    let mut config = prost_build::Config::new();
    config.skip_debug(WITHOUT_DEBUG.iter().copied());
    config.compile_fds(descriptors)?;
    Ok(())
}
