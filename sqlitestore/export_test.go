package sqlitestore

// OpenVFS is Open with a virtual file system, for tests of what goes wrong below SQLite.
var OpenVFS = open

// SetPatience sets how often a connection tries to get a lock that others hold, and returns a function that sets it back.
func SetPatience(n int) (restore func()) {
	was := patience
	patience = n
	return func() { patience = was }
}
