#if os(Linux)
    import Foundation
    import Glibc
    import Windlass

    private let writeTime = Duration.seconds(60)

    /// A TCP connection.
    final class SocketStream: MqttStream {
        private let socket: Int32

        /// Tries each address of a host.
        init(_ endpoint: MqttEndpoint) throws {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &found) == 0 else { throw TransportError("the host has no address") }
            defer { freeaddrinfo(found) }
            var failure = TransportError("the host has no address")
            for address in sequence(first: found, next: { $0?.pointee.ai_next }) {
                guard let address else { break }
                do {
                    socket = try Self.connected(address.pointee, endpoint.patience)
                    return
                } catch let error as TransportError {
                    failure = error
                }
            }
            throw failure
        }

        private static func connected(_ address: addrinfo, _ patience: Duration) throws -> Int32 {
            let kind = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = Glibc.socket(address.ai_family, kind, address.ai_protocol)
            if socket < 0 { throw failure(errno) }
            var error: Int32 = 0
            if Glibc.connect(socket, address.ai_addr, address.ai_addrlen) != 0 { error = errno }
            if error == EINPROGRESS {
                var length = socklen_t(MemoryLayout<Int32>.size)
                if !ready(socket, POLLOUT, patience) {
                    error = ETIMEDOUT
                } else if getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0 {
                    error = errno
                }
            }
            guard error == 0 else {
                Glibc.close(socket)
                throw failure(error)
            }
            var one: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            return socket
        }

        private static func failure(_ error: Int32) -> TransportError { TransportError(String(cString: strerror(error))) }

        /// False if that took too long.
        private static func ready(_ socket: Int32, _ what: Int32, _ time: Duration) -> Bool {
            let end = ContinuousClock.now + time
            var asked = pollfd(fd: socket, events: Int16(what), revents: 0)
            while true {
                let rest = max((end - .now).milliseconds, 0)
                let found = poll(&asked, 1, Int32(clamping: rest))
                if found >= 0 || errno != EINTR { return found != 0 }
            }
        }

        // Not before: its number would be another one's, and be read by whoever still waits here.
        deinit { Glibc.close(socket) }

        func read(within time: Duration) throws -> [UInt8] {
            while true {
                var failure: Int32 = 0
                let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                    let got = recv(socket, buffer.baseAddress, buffer.count, 0)
                    if got < 0 { failure = errno }
                    count = max(got, 0)
                }
                switch failure {
                case 0: return bytes
                case EAGAIN: if !Self.ready(socket, POLLIN, time) { throw MqttTimeout() }
                case EINTR: continue
                default: throw Self.failure(failure)
                }
            }
        }

        func write(_ bytes: [UInt8]) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                // No signal: it would end the process.
                let sent = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if sent >= 0 {
                    rest = rest.dropFirst(sent)
                } else if errno == EAGAIN {
                    if !Self.ready(socket, POLLOUT, writeTime) { throw MqttTimeout() }
                } else if errno != EINTR {
                    throw Self.failure(errno)
                }
            }
        }

        func close() {
            // Whoever waits for it is woken.
            shutdown(socket, Int32(SHUT_RDWR))
        }
    }

    /// The streams of this package.
    func connectOnLinux(_ endpoint: MqttEndpoint) throws -> any MqttStream {
        let socket = try SocketStream(endpoint)
        return endpoint.tls ? try TlsStream(over: socket, endpoint) : socket
    }
#endif
