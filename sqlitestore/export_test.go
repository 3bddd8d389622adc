package sqlitestore

// OpenVFS is Open with a virtual file system, for tests of what goes wrong below SQLite.
var OpenVFS = open
