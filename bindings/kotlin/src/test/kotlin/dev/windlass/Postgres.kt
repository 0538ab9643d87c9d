package dev.windlass

import org.junit.jupiter.api.Assumptions.assumeTrue
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions

private const val NOBODY = 65_534

/** A real PostgreSQL server of a test's own, reached by a socket in a folder of its own. It syncs as one in earnest. */
class Postgres : AutoCloseable {
    private val tools = places().firstOrNull { it.resolve("initdb").toFile().canExecute() }

    // A socket's path has no room for that of a test.
    private val folder: Path

    init {
        assumeTrue(tools != null || System.getenv("CI") != null, "there is no PostgreSQL")
        folder = Files.createTempDirectory("wl-pg", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")))
        if (isRoot) listOf("unix:uid", "unix:gid").forEach { Files.setAttribute(folder, it, NOBODY) }
        run("initdb", "-U", "owner", "-A", "trust", "-N", "-E", "UTF8", "--locale=C", "-D", "$data")
        val settings = "listen_addresses = ''\nunix_socket_directories = '$folder'\nshared_buffers = 32MB\n"
        data.resolve("postgresql.auto.conf").toFile().writeText(settings)
        start()
    }

    private val data get() = folder.resolve("data")

    /** Of a store. */
    fun address(store: String): String = "postgresql://owner@/postgres?host=$folder&store=$store"

    /** Returns when it takes connections. */
    fun start(): Unit = run("pg_ctl", "-D", "$data", "-w", "-l", "$folder/log", "start")

    /** As a machine that loses its power. */
    fun die(): Unit = run("pg_ctl", "-D", "$data", "-w", "-m", "immediate", "stop")

    private fun run(tool: String, vararg arguments: String) {
        val program = listOf(checkNotNull(tools) { "there is no PostgreSQL" }.resolve(tool).toString()) + arguments
        // It refuses to run as root.
        val command = if (isRoot) listOf("setpriv", "--reuid=$NOBODY", "--regid=$NOBODY", "--clear-groups") + program else program
        val said = Files.createTempFile("wl-pg", ".log").toFile()
        try {
            // What it starts would keep a pipe open.
            val process = ProcessBuilder(command).directory(folder.toFile()).redirectInput(File("/dev/null"))
                .redirectErrorStream(true).redirectOutput(said).start()
            check(process.waitFor() == 0) { "$tool: ${said.readText()}" }
        } finally {
            said.delete()
        }
    }

    override fun close() {
        die()
        folder.toFile().deleteRecursively()
    }

    private companion object {
        val isRoot = System.getProperty("user.name") == "root"

        /** Where its programs may be; Debian keeps them out of the path, the newest version last. */
        fun places(): List<Path> {
            val path = System.getenv("PATH").orEmpty().split(File.pathSeparator).filter(String::isNotEmpty).map(Path::of)
            val debian = File("/usr/lib/postgresql").listFiles().orEmpty().sortedByDescending { it.name.toIntOrNull() ?: 0 }
            return path + debian.map { it.resolve("bin").toPath() }
        }
    }
}
