import dev.windlass.Windlass
import dev.windlass.WindlassException
import dev.windlass.code

/** What `ShrinkTest` shrinks. */
fun main(arguments: Array<String>) {
    val home = arguments.single()
    firstConversation(home)
    Windlass.create("$home/other.wl", "right").close()
    try {
        Windlass.open("$home/other.wl", "wrong")
    } catch (wrong: WindlassException) {
        println(wrong.code)
    }
}
