package dev.windlass.transport

import java.io.File
import java.net.URI
import java.net.URISyntaxException
import java.net.URLDecoder
import java.security.KeyStore
import java.security.cert.CertificateFactory
import javax.net.SocketFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.TrustManagerFactory

/** Where a broker is, and how it is spoken to, as a URL says it. */
internal class MqttBroker private constructor(private val uri: URI) {
    private val tls = uri.scheme == "mqtts"
    private val settings = uri.rawQuery.orEmpty().split("&").filter(String::isNotEmpty).associate { setting ->
        decoded(setting.substringBefore("=")) to decoded(setting.substringAfter("=", ""))
    }

    init {
        val unknown = settings.keys - setOf("ca", "prefix")
        require(unknown.isEmpty()) { "of a broker's URL there is no ${unknown.first()}; for certificates give MqttTransport the sockets" }
    }

    val host: String = uri.host
    val server = "${if (tls) "ssl" else "tcp"}://$host:${if (uri.port > 0) uri.port else if (tls) 8883 else 1883}"
    val prefix: String = settings["prefix"] ?: "windlass/v1"
    val user: String? = uri.rawUserInfo?.substringBefore(":")?.let(::decoded)
    val password: ByteArray? = uri.rawUserInfo?.substringAfter(":", "")?.let { decoded(it).toByteArray() }

    /** That trust the authorities of a file alone. */
    val sockets: SocketFactory? = settings["ca"]?.let { path ->
        val authorities = File(path).inputStream().use { CertificateFactory.getInstance("X.509").generateCertificates(it) }
        val trusted = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null, null) }
        authorities.forEachIndexed { number, authority -> trusted.setCertificateEntry("$number", authority) }
        val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(trusted) }
        SSLContext.getInstance("TLS").apply { init(null, trust.trustManagers, null) }.socketFactory
    }

    companion object {
        fun of(url: String): MqttBroker {
            val uri = try {
                URI(url)
            } catch (_: URISyntaxException) {
                // Without what was given, and without its cause: both quote the password.
                null
            }
            require(uri != null && uri.host != null && uri.scheme in setOf("mqtt", "mqtts")) {
                "an address of a broker is mqtt://host:port or mqtts://host:port"
            }
            return MqttBroker(uri)
        }

        // Unlike in a form, a plus is a plus.
        private fun decoded(text: String): String = URLDecoder.decode(text.replace("+", "%2B"), "UTF-8")
    }
}
