package dev.windlass

import org.junit.jupiter.api.Assumptions.assumeTrue
import java.io.File
import java.net.ServerSocket
import java.net.Socket
import java.nio.file.Path
import java.security.KeyStore
import java.util.Base64

/** A broker of its own on the loopback. */
class Mosquitto(private val home: Path, private val host: String? = null, settings: String = "") : AutoCloseable {
    private val port = ServerSocket(0).use { it.localPort }
    private val config = home.resolve("mosquitto.conf").toFile()
    private val output = home.resolve("mosquitto.log").toFile()
    private val program = listOf("/usr/sbin", "/usr/local/sbin", "/usr/bin").map { "$it/mosquitto" }.firstOrNull { File(it).exists() }
    private lateinit var process: Process

    /** With `host`: the certificate that it shows, which is its own authority. */
    val certificate: Path = home.resolve("broker.pem")
    val url = "${if (host == null) "mqtt" else "mqtts"}://127.0.0.1:$port"

    val log: String get() = output.readText()

    init {
        assumeTrue(program != null || System.getenv("CI") != null, "mosquitto is not installed")
        val kept = "persistence true\npersistence_location $home/\nmax_queued_messages 0\n"
        config.writeText("listener $port 127.0.0.1\nallow_anonymous true\n$kept$settings\n")
        if (System.getProperty("user.name") == "root") config.appendText("user root\n")
        host?.let(::certify)
        start()
    }

    fun start() {
        process = ProcessBuilder(program, "-c", config.path)
            .redirectErrorStream(true).redirectOutput(output).start()
        while (runCatching { Socket("127.0.0.1", port).close() }.isFailure) check(process.isAlive) { "mosquitto ended" }
    }

    fun stop() {
        process.destroy()
        process.waitFor()
    }

    /** Makes a certificate for a name. */
    private fun certify(name: String) {
        val store = home.resolve("broker.p12")
        val keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString()
        val made = ProcessBuilder(
            keytool, "-genkeypair", "-keystore", "$store", "-storepass", "secret", "-alias", "broker", "-keyalg", "EC",
            "-dname", "CN=broker", "-ext", "SAN=$name", "-ext", "BC=ca:true",
        ).redirectErrorStream(true).redirectOutput(home.resolve("keytool.log").toFile()).start()
        check(made.waitFor() == 0) { "keytool failed" }
        val keys = KeyStore.getInstance(store.toFile(), "secret".toCharArray())
        val key = home.resolve("broker.key")
        write(certificate, "CERTIFICATE", keys.getCertificate("broker").encoded)
        write(key, "PRIVATE KEY", keys.getKey("broker", "secret".toCharArray()).encoded)
        config.appendText("certfile $certificate\nkeyfile $key\n")
    }

    private fun write(path: Path, kind: String, bytes: ByteArray) {
        val text = Base64.getMimeEncoder(64, "\n".toByteArray()).encodeToString(bytes)
        path.toFile().writeText("-----BEGIN $kind-----\n$text\n-----END $kind-----\n")
    }

    override fun close(): Unit = stop()
}
