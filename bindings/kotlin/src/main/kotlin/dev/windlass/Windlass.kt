package dev.windlass

/** The common case in one call: a client and its store, by a path and a passphrase or a key. */
public object Windlass {
    /**
     * Makes a new store at [path], where nothing is yet, and puts [identity] into it, or a new one.
     *
     * `use {}` on the client closes the store; every guess of the passphrase costs 64 MiB and some tenths of a second.
     */
    @Throws(WindlassException::class)
    public fun create(path: String, passphrase: String, identity: Identity? = null): Client =
        StoreKey.fromPassphrase(passphrase).use { create(path, it, identity) }

    /** The same with a [StoreKey], for example one of 32 bytes from a key store. */
    @Throws(WindlassException::class)
    public fun create(path: String, key: StoreKey, identity: Identity? = null): Client =
        EncryptedStore.create(path, key).use { Client.create(it, identity) }

    /** Opens the store at [path]. Never makes one, and never an identity. */
    @Throws(WindlassException::class)
    public fun open(path: String, passphrase: String): Client =
        StoreKey.fromPassphrase(passphrase).use { open(path, it) }

    /** The same with a [StoreKey]. */
    @Throws(WindlassException::class)
    public fun open(path: String, key: StoreKey): Client =
        EncryptedStore.open(path, key).use { Client.open(it) }
}
