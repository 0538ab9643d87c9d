//! Methods whose arguments have defaults in other languages.

/// Exports an `impl` whose methods have defaults, and leaves the attribute out without the feature `uniffi`. UniFFI reads defaults from an
/// attribute around which it accepts no `cfg_attr`.
macro_rules! exported {
    (impl $type:ident { $(
        $(#[doc = $doc:literal])+
        #[uniffi::$kind:ident($($default:tt)+)]
        pub fn $name:ident($($parameter:tt)*) -> $result:ty $body:block
    )+ }) => {
        #[cfg(feature = "uniffi")]
        #[uniffi::export]
        impl $type { $(
            $(#[doc = $doc])+
            #[uniffi::$kind($($default)+)]
            pub fn $name($($parameter)*) -> $result $body
        )+ }

        #[cfg(not(feature = "uniffi"))]
        impl $type { $(
            $(#[doc = $doc])+
            pub fn $name($($parameter)*) -> $result $body
        )+ }
    };
}
