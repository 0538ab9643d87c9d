#if os(Linux)
    import Foundation
    import windlassOpenSSL
    import Windlass

    /// TLS of OpenSSL over a socket. It reads and writes in memory alone, so that the socket can be waited for, and be closed, as without it.
    final class TlsStream: MqttStream, @unchecked Sendable {
        private let socket: SocketStream
        // Guarded by `lock`; `came` and `goes` belong to it.
        private let tls: OpaquePointer
        private let came: OpaquePointer
        private let goes: OpaquePointer
        private let lock = NSLock()
        /// Whoever holds it writes to the socket.
        private let order = NSLock()

        init(over socket: SocketStream, _ endpoint: MqttEndpoint) throws {
            let context = try Self.context(endpoint)
            // The connection keeps what it needs of it.
            defer { SSL_CTX_free(context) }
            guard let tls = SSL_new(context), let came = BIO_new(BIO_s_mem()), let goes = BIO_new(BIO_s_mem()) else {
                throw TransportError("there is no memory for TLS")
            }
            (self.socket, self.tls, self.came, self.goes) = (socket, tls, came, goes)
            SSL_set_bio(tls, came, goes)
            SSL_set_connect_state(tls)
            try expect(endpoint.host)
            try shakeHands(within: endpoint.patience)
        }

        deinit { SSL_free(tls) }

        private static func context(_ endpoint: MqttEndpoint) throws -> OpaquePointer {
            guard let context = SSL_CTX_new(TLS_client_method()) else { throw TransportError("there is no memory for TLS") }
            // TLS 1.2 or later.
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            let trusted =
                endpoint.authorities.map { SSL_CTX_load_verify_locations(context, $0, nil) } ?? SSL_CTX_set_default_verify_paths(context)
            if trusted != 1 {
                SSL_CTX_free(context)
                throw TransportError("the file of authorities cannot be read")
            }
            return context
        }

        /// The broker has to show a certificate of its name, or of its number.
        private func expect(_ host: String) throws {
            var ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host)
            if ok != 1 {
                ok = SSL_set1_host(tls, host)
                // Which name is meant, where a machine has several.
                let name = Array(host.utf8CString)
                name.withUnsafeBytes { name in
                    _ = SSL_ctrl(
                        tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), UnsafeMutableRawPointer(mutating: name.baseAddress))
                }
            }
            ERR_clear_error()
            if ok != 1 { throw TransportError("this is no name of a host") }
        }

        private func shakeHands(within time: Duration) throws {
            let end = ContinuousClock.now + time
            while true {
                let result = lock.withLock { step { SSL_do_handshake(tls) } }
                try flush()
                switch result {
                case .done: return
                case .more: try takeIn(within: end - .now)
                case .end, .failed:
                    let verified = SSL_get_verify_result(tls)
                    let why = verified == Int(X509_V_OK) ? "it does not speak TLS as we do" : String(cString: X509_verify_cert_error_string(verified))
                    throw TransportError("TLS failed: \(why)")
                }
            }
        }

        private enum Step {
            case done(Int)
            case more
            case end
            case failed
        }

        /// With the lock.
        private func step(_ call: () -> Int32) -> Step {
            ERR_clear_error()
            let result = call()
            if result > 0 { return .done(Int(result)) }
            let error = SSL_get_error(tls, result)
            ERR_clear_error()
            switch error {
            case SSL_ERROR_WANT_READ: return .more
            case SSL_ERROR_ZERO_RETURN: return .end
            default: return .failed
            }
        }

        /// Bytes of the socket, to be read. There is always room for them.
        private func takeIn(within time: Duration) throws {
            let bytes = try socket.read(within: time)
            if bytes.isEmpty { throw TransportError("the connection was cut off") }
            lock.withLock { _ = BIO_write(came, bytes, Int32(bytes.count)) }
        }

        /// Sends what is to be sent.
        private func flush() throws {
            order.lock()
            defer { order.unlock() }
            try flushInOrder()
        }

        private func flushInOrder() throws {
            while true {
                let bytes = lock.withLock {
                    [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                        count = max(Int(BIO_read(goes, buffer.baseAddress, Int32(buffer.count))), 0)
                    }
                }
                if bytes.isEmpty { return }
                try socket.write(bytes)
            }
        }

        func read(within time: Duration) throws -> [UInt8] {
            while true {
                var result = Step.more
                let bytes = lock.withLock {
                    [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                        result = step { SSL_read(tls, buffer.baseAddress, Int32(buffer.count)) }
                        if case .done(let got) = result { count = got }
                    }
                }
                // An answer of TLS itself. Whoever is writing sends it too; so that reading never waits for writing.
                if order.try() {
                    defer { order.unlock() }
                    try flushInOrder()
                }
                switch result {
                case .done: return bytes
                case .more: try takeIn(within: time)
                case .end: return []
                case .failed: throw TransportError("the connection was cut off")
                }
            }
        }

        func write(_ bytes: [UInt8]) throws {
            if bytes.isEmpty { return }
            let result = lock.withLock { step { SSL_write(tls, bytes, Int32(clamping: bytes.count)) } }
            guard case .done(bytes.count) = result else { throw TransportError("the connection was cut off") }
            try flush()
        }

        func close() { socket.close() }
    }
#endif
