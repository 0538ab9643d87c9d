// swift-tools-version: 6.0
import Foundation
import PackageDescription

// For Apple's platforms: static libraries with header and module map, put beside this file (docs/guide/apps.md).
let framework = "windlassFFI.xcframework"

let native: Target =
    FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(framework)")
    ? .binaryTarget(name: "windlassFFI", path: framework)
    // Elsewhere the linker is told where the library is. The header is generated; the module map is ours, since the generated one asks
    // for Darwin.
    : .systemLibrary(name: "windlassFFI")

let package = Package(
    name: "Windlass",
    // Before these, Swift's concurrency has no clocks.
    platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9)],
    products: [
        .library(name: "Windlass", targets: ["Windlass"])
    ],
    targets: [
        native,
        .target(name: "Windlass", dependencies: ["windlassFFI"]),
        .testTarget(name: "WindlassTests", dependencies: ["Windlass"]),
    ],
    swiftLanguageModes: [.v6]
)
