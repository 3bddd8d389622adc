module github.com/imageshare/sharing/sqlitestore

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/imageshare/sharing v0.0.0
	github.com/imageshare/sharing/linearizability v0.0.0
	github.com/ncruces/go-sqlite3 v0.37.0
)

require (
	github.com/anishathalye/porcupine v1.3.0 // indirect
	github.com/ncruces/go-sqlite3-wasm/v6 v6.5.35401 // indirect
	github.com/ncruces/julianday v1.0.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace (
	github.com/imageshare/sharing => ../
	github.com/imageshare/sharing/linearizability => ../linearizability
)
