package dev.windlass

/** Puts the identity of [transfer] into a new store at [path]. Contacts and history come from the other devices. */
@Throws(WindlassException::class)
public fun DeviceLink.finish(path: String, key: StoreKey, transfer: ByteArray): Client =
    EncryptedStore.create(path, key).use { finish(it, transfer) }
