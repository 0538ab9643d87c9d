import Foundation

/// How many conversations are remembered before those are forgotten that owe nothing.
private let remembered = 1_000

/// How fast a bot answers in one conversation: a bucket of so many answers, filled again in a minute.
final class Rates: Sendable {
    private struct Bucket: Sendable {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let perMinute: Double
    private let buckets = Locked<[String: Bucket]>([:])

    init(perMinute: Int) {
        self.perMinute = Double(perMinute)
    }

    private func filled(_ bucket: Bucket) -> Bucket {
        let now = ContinuousClock.now
        return Bucket(left: min(bucket.left + (now - bucket.at) / .seconds(60) * perMinute, perMinute), at: now)
    }

    /// So many answers are written.
    func spend(_ conversation: String, _ answers: Int) {
        buckets.use { buckets in
            if buckets.count >= remembered { buckets = buckets.mapValues(filled).filter { $0.value.left < perMinute } }
            var bucket = filled(buckets[conversation] ?? Bucket(left: perMinute, at: .now))
            bucket.left -= Double(answers)
            buckets[conversation] = bucket
        }
    }

    /// How long a conversation is not handled, until it owes nothing any more.
    func rest(_ conversation: String) -> Duration {
        guard let bucket = buckets.use({ $0[conversation] }).map(filled), bucket.left < 0 else { return .zero }
        return .seconds(60) * (-bucket.left / perMinute)
    }
}
