package dev.windlass.transport

import java.io.File
import java.io.IOException
import java.net.InetAddress
import java.net.Socket
import java.net.URI
import java.net.URISyntaxException
import java.net.URLDecoder
import java.security.KeyStore
import java.security.cert.CertificateFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocketFactory
import javax.net.ssl.TrustManagerFactory

private val OPTIONS = setOf("ca", "prefix", "version", "password_file", "cleartext")
private const val LONGEST_PASSWORD = 65_535

/** Where a broker is, and how it is spoken to, as a URL says it. */
internal class MqttBroker private constructor(private val uri: URI, sockets: SSLSocketFactory?) {
    private val tls = uri.scheme == "mqtts"
    private val settings = uri.rawQuery.orEmpty().split("&").filter(String::isNotEmpty).associate { setting ->
        decoded(setting.substringBefore("=")) to decoded(setting.substringAfter("=", ""))
    }

    init {
        val unknown = settings.keys - OPTIONS
        require(unknown.isEmpty()) { "of a broker's URL there is no ${unknown.first()}; for certificates give MqttTransport the sockets" }
        require("ca" !in settings || tls) { "the option ca needs mqtts://" }
        require(settings["cleartext"] in setOf(null, "yes")) { "the option cleartext is yes, or is left out" }
    }

    val host: String = uri.host.removeSurrounding("[", "]")
    val port: Int = if (uri.port > 0) uri.port else if (tls) 8883 else 1883
    val prefix: String = settings["prefix"] ?: "windlass/v1"

    /** The version of MQTT that was asked for by name. */
    val version: Int? = when (settings["version"]) {
        null -> null
        "5" -> MQTT_5
        "3", "3.1.1" -> MQTT_3
        else -> throw IllegalArgumentException("the option version is 5 or 3")
    }
    private val user: String? = uri.rawUserInfo?.substringBefore(":")?.let(::decoded)
    private val password: ByteArray? = uri.rawUserInfo?.substringAfter(":", "")?.takeIf(String::isNotEmpty)?.let { decoded(it).toByteArray() }

    init {
        require(prefix.isNotEmpty() && prefix.none { it in "+#\u0000" }) { "the option prefix is a topic, without + and #" }
        require(tls || settings["cleartext"] == "yes" || isLoopback(host)) {
            "mqtt:// to $host is not encrypted: everybody on the way sees the password and who talks with whom. Say mqtts://, or " +
                "mqtt://...?cleartext=yes if the network is yours alone"
        }
        require(password == null || "password_file" !in settings) { "a broker's URL has a password or a password_file, not both" }
    }

    private val secure: SSLSocketFactory? = if (tls) sockets ?: settings["ca"]?.let(::trusting) ?: SSLSocketFactory.getDefault() as SSLSocketFactory else null

    /** TLS over a connection, if that was asked for. */
    fun secured(plain: Socket): Socket = secure?.createSocket(plain, host, port, true) ?: plain

    /** User name and password. With a password file alone the user name is our address, as the access rules of a broker have it. */
    fun credentials(address: String): Pair<String?, ByteArray?> {
        val path = settings["password_file"] ?: return user to password
        val read = try {
            File(path).inputStream().use { it.readNBytes(LONGEST_PASSWORD + 3) }
        } catch (failure: IOException) {
            throw TransportException("the password file $path cannot be read: ${failure::class.java.simpleName}")
        }
        // An editor ends the last line.
        var end = read.size
        if (end > 0 && read[end - 1] == '\n'.code.toByte()) end--
        if (end > 0 && read[end - 1] == '\r'.code.toByte()) end--
        if (end !in 1..LONGEST_PASSWORD) throw TransportException("the password file $path is ${if (end == 0) "empty" else "too long"}")
        return (user ?: address) to read.copyOf(end)
    }

    /** The authorities of a file alone. */
    private fun trusting(path: String): SSLSocketFactory {
        val authorities = File(path).inputStream().use { CertificateFactory.getInstance("X.509").generateCertificates(it) }
        val trusted = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null, null) }
        authorities.forEachIndexed { number, authority -> trusted.setCertificateEntry("$number", authority) }
        val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(trusted) }
        return SSLContext.getInstance("TLS").apply { init(null, trust.trustManagers, null) }.socketFactory
    }

    // Without user and password.
    override fun toString(): String = if (":" in host) "[$host]:$port" else "$host:$port"

    companion object {
        fun of(url: String, sockets: SSLSocketFactory?): MqttBroker {
            val uri = try {
                URI(url)
            } catch (_: URISyntaxException) {
                // Without what was given, and without its cause: both quote the password.
                null
            }
            require(uri != null && uri.host != null && uri.scheme in setOf("mqtt", "mqtts")) {
                "an address of a broker is mqtt://host:port or mqtts://host:port"
            }
            return MqttBroker(uri, sockets)
        }

        // Unlike in a form, a plus is a plus.
        private fun decoded(text: String): String = URLDecoder.decode(text.replace("+", "%2B"), "UTF-8")

        /** Asks no name server: a name is what its owner makes of it. */
        private fun isLoopback(host: String): Boolean =
            host == "localhost" || (host.all { it in "0123456789." } || ":" in host) && InetAddress.getByName(host).isLoopbackAddress
    }
}
