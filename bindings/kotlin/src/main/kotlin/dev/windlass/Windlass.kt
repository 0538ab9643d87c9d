package dev.windlass

/** The common case in one call: a client and its store, by a path and a passphrase or a key. */
public object Windlass {
    /**
     * Makes a new store at [path], where nothing is yet, and puts [identity] into it, or a new one.
     *
     * `use {}` on the client closes the store; every guess of the passphrase costs 64 MiB and some tenths of a second.
     */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun create(path: String, passphrase: String, identity: Identity? = null): Client =
        StoreKey.fromPassphrase(passphrase).use { create(path, it, identity) }

    /** The same with a [StoreKey], for example one of 32 bytes from a key store. */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun create(path: String, key: StoreKey, identity: Identity? = null): Client =
        EncryptedStore.create(path, key).handedTo { Client.create(it, identity) }

    /** Opens the store at [path]. Never makes one, and never an identity. */
    @JvmStatic
    @Throws(WindlassException::class)
    public fun open(path: String, passphrase: String): Client =
        StoreKey.fromPassphrase(passphrase).use { open(path, it) }

    /** The same with a [StoreKey]. */
    @JvmStatic
    @Throws(WindlassException::class)
    public fun open(path: String, key: StoreKey): Client =
        EncryptedStore.open(path, key).handedTo { Client.open(it) }

    /**
     * Opens the store that the environment names, or makes it where nothing is yet, unless WINDLASS_CREATE is `false` (or `no`, or `0`):
     * then a wrong path is an error instead of a new identity. With a WINDLASS_WORKER, of several processes that are one bot, none is made either: of those that
     * begin together one would find the store half made.
     *
     * WINDLASS_STORE is its path, or the address of a database. One of these opens it: WINDLASS_KEY, 64 hexadecimal digits; WINDLASS_PASSPHRASE; WINDLASS_KEY_FILE, the
     * path of a file with 32 bytes or either, as [StoreKey.fromFile] reads it.
     *
     * @throws IllegalArgumentException if a variable is missing, or makes no sense. It does not quote them.
     */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun fromEnvironment(environment: Map<String, String> = System.getenv()): Client {
        val path = requireNotNull(environment["WINDLASS_STORE"]) { "WINDLASS_STORE is the path of the store" }
        val create = mayCreate(environment) && environment["WINDLASS_WORKER"].isNullOrEmpty()
        return keyOf(environment).use { key ->
            try {
                open(path, key)
            } catch (missing: WindlassException.StoreNotFound) {
                if (!create) throw missing
                create(path, key)
            }
        }
    }

    private fun mayCreate(environment: Map<String, String>): Boolean = when (environment["WINDLASS_CREATE"]?.lowercase()) {
        null, "1", "yes", "true" -> true
        "0", "no", "false" -> false
        else -> throw IllegalArgumentException("WINDLASS_CREATE is true or false")
    }

    private fun keyOf(environment: Map<String, String>): StoreKey {
        val given = listOf("WINDLASS_KEY", "WINDLASS_PASSPHRASE", "WINDLASS_KEY_FILE").filter { environment[it] != null }
        require(given.size == 1) { "give one of WINDLASS_KEY, WINDLASS_PASSPHRASE and WINDLASS_KEY_FILE" }
        val value = environment.getValue(given.single())
        return try {
            when (given.single()) {
                "WINDLASS_KEY" -> StoreKey.fromHex(value)
                "WINDLASS_PASSPHRASE" -> StoreKey.fromPassphrase(value)
                else -> StoreKey.fromFile(value)
            }
        } catch (unreadable: WindlassException.KeyUnreadable) {
            throw IllegalArgumentException("${given.single()}: ${unreadable.message}")
        }
    }
}
