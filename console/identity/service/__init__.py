"""What people do with their sign-in, and the console for them: second factors, passkeys, a lost device."""
