@file:JvmName("Linking")

package dev.windlass

/** The new device's side of linking, in a new store at [path]. After a restart: `DeviceLink(EncryptedStore.open(path, key))`. */
@Throws(WindlassException::class)
public fun deviceLink(path: String, key: StoreKey): DeviceLink =
    EncryptedStore.create(path, key).handedTo { DeviceLink(it) }

/** Lets go of our own hold of the store: what is made here closes it. */
internal inline fun <T> EncryptedStore.handedTo(make: (EncryptedStore) -> T): T = try {
    make(this)
} finally {
    destroy()
}
