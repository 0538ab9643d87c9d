// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Windlass",
    products: [
        .library(name: "Windlass", targets: ["Windlass"])
    ],
    targets: [
        // The header is generated; the module map is ours, since the generated one asks for Darwin.
        .systemLibrary(name: "windlassFFI"),
        .target(name: "Windlass", dependencies: ["windlassFFI"]),
        .testTarget(name: "WindlassTests", dependencies: ["Windlass"]),
    ],
    swiftLanguageModes: [.v6]
)
