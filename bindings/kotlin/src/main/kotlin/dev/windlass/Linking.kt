package dev.windlass

/** Puts the identity of [transfer] into a new store at [path]. Contacts and history come from the other devices. */
@Throws(WindlassException::class)
public fun DeviceLink.finish(path: String, key: StoreKey, transfer: ByteArray): Client =
    EncryptedStore.create(path, key).handedTo { finish(it, transfer) }

/** Lets go of our own hold of the store: what is made here closes it. */
internal inline fun <T> EncryptedStore.handedTo(make: (EncryptedStore) -> T): T = try {
    make(this)
} finally {
    destroy()
}
