module github.com/imageshare/sharing/bench

go 1.26.0

replace (
	github.com/imageshare/sharing => ../
	github.com/imageshare/sharing/etcdstore => ../etcdstore
	github.com/imageshare/sharing/linearizability => ../linearizability
	github.com/imageshare/sharing/pgstore => ../pgstore
	github.com/imageshare/sharing/sqlitestore => ../sqlitestore
)

require (
	github.com/casbin/casbin/v2 v2.135.0
	github.com/cedar-policy/cedar-go v1.9.1
	github.com/hashicorp/go-memdb v1.3.5
	github.com/imageshare/sharing v0.0.0
	github.com/imageshare/sharing/pgstore v0.0.0
	github.com/jackc/pgx/v5 v5.12.0
)

require (
	github.com/bmatcuk/doublestar/v4 v4.6.1 // indirect
	github.com/casbin/govaluate v1.3.0 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/go-immutable-radix v1.3.1 // indirect
	github.com/hashicorp/golang-lru v0.5.4 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	golang.org/x/exp v0.0.0-20220921023135-46d9e7742f1e // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)
