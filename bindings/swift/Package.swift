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

// Apple's systems alone read it.
let privacy = "PrivacyInfo.xcprivacy"
#if canImport(Darwin)
    let (resources, excluded): ([Resource], [String]) = ([.process(privacy)], [])
#else
    let (resources, excluded): ([Resource], [String]) = ([], [privacy])
#endif

let package = Package(
    name: "Windlass",
    // Before these, Swift's concurrency has no clocks.
    platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9)],
    products: [
        .library(name: "Windlass", targets: ["Windlass"]),
        // Mail over a broker. Apart, since on Linux it needs OpenSSL.
        .library(name: "WindlassMQTT", targets: ["WindlassMQTT"]),
    ],
    targets: [
        native,
        .systemLibrary(name: "windlassOpenSSL", providers: [.apt(["libssl-dev"]), .yum(["openssl-devel"])]),
        .target(name: "Windlass", dependencies: ["windlassFFI"], exclude: excluded, resources: resources),
        .target(name: "WindlassMQTT", dependencies: ["Windlass", .target(name: "windlassOpenSSL", condition: .when(platforms: [.linux]))]),
        .testTarget(name: "WindlassTests", dependencies: ["Windlass"]),
        .testTarget(name: "WindlassMQTTTests", dependencies: ["Windlass", "WindlassMQTT"]),
    ],
    swiftLanguageModes: [.v6]
)
