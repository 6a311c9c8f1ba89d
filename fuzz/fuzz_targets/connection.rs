#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parameters_secrets_extension_fuzz::targets::connection::run(bytes)
});
