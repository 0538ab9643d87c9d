package dev.windlass

import com.sun.jna.Native
import kotlinx.coroutines.Job
import org.jetbrains.annotations.NotNull
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import proguard.Configuration
import proguard.ConfigurationParser
import proguard.ProGuard
import java.io.File
import java.nio.file.Path
import java.util.Properties
import java.util.zip.ZipFile
import kotlin.reflect.KClass

/** A release build shrinks a program and renames what is in it, by the rules that its libraries bring. */
class ShrinkTest {
    @TempDir
    lateinit var home: Path

    private fun place(of: KClass<*>): File = File(of.java.protectionDomain.codeSource.location.toURI())

    /** The rules that a jar, or a folder of classes, brings. */
    private fun rules(library: File): List<String> {
        if (library.isDirectory) return library.resolve("META-INF/proguard").listFiles().orEmpty().map { "-include $it" }
        return ZipFile(library).use { jar ->
            jar.stream().filter { it.name.startsWith("META-INF/proguard/") && !it.isDirectory }.toList()
                .map { jar.getInputStream(it).bufferedReader().readText() }
        }
    }

    @Test
    fun `a program that was shrunk by the rules of the jar works`() {
        val shrunk = home.resolve("program.jar").toFile()
        val libraries = listOf(Windlass::class, Unit::class, NotNull::class, Job::class, Native::class).map(::place).distinct()
        val java = System.getProperty("java.home")
        val options = libraries.map { "-injars $it(!META-INF/versions/**,!**/module-info.class,!module-info.class)" } +
            "-injars ${place(ShrinkTest::class)}(ShrunkProgramKt.class,FirstConversationKt.class)" +
            listOf("base", "logging").map { "-libraryjars $java/jmods/java.$it.jmod(!**.jar;!module-info.class)" } +
            "-outjars $shrunk" + "-dontoptimize" + "-keep class ShrunkProgramKt { void main(java.lang.String[]); }" +
            // Of coroutines; Android has it.
            "-dontwarn android.annotation.SuppressLint" + libraries.flatMap(::rules)
        val file = home.resolve("program.pro").toFile().apply { writeText(options.joinToString("\n")) }
        val configuration = Configuration()
        ConfigurationParser(file, Properties()).use { it.parse(configuration) }
        ProGuard(configuration).execute()

        // It did something at all.
        ZipFile(shrunk).use { jar -> assertFalse(jar.stream().anyMatch { it.name == "FirstConversationKt.class" }) }
        val process = ProcessBuilder("$java/bin/java", "-cp", "$shrunk", "ShrunkProgramKt", "$home").redirectErrorStream(true).start()
        val said = process.inputStream.bufferedReader().readText()
        assertEquals(0, process.waitFor(), said)
        assertTrue("Ahoy!" in said && said.trim().endsWith("wrong_key"), said)
    }
}
