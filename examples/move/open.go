package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/etcdstore"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/pgstore"
	"github.com/imageshare/sharing/sqlitestore"
)

// kinds are the names that open understands.
const kinds = "sqlite:FILE, postgres:DSN or postgres://…, etcd:ENDPOINT,…, memory (a rehearsal, nothing is kept), memory-catalogue"

// A store is a store that this program opened.
type store interface {
	sharing.Store
	Close() error
}

// open opens the store with this name.
func open(ctx context.Context, name string) (store, error) {
	kind, where, _ := strings.Cut(name, ":")
	switch kind {
	case "memory":
		return inMemory{memstore.New()}, nil
	case "memory-catalogue":
		return newCatalogue(ctx, wholeCatalogue)
	case "sqlite":
		return sqlitestore.Open(ctx, where)
	case "postgres", "postgresql":
		if strings.HasPrefix(where, "//") {
			where = name
		}
		return pgstore.Open(ctx, where)
	case "etcd":
		return etcdstore.Open(ctx, strings.Split(where, ","))
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("which kind of store? A file is sqlite:%s", name)
	}
	return nil, fmt.Errorf("no such kind of store: it is one of %s", kinds)
}

// inMemory is a store that needs no closing.
type inMemory struct{ *memstore.Store }

func (inMemory) Close() error { return nil }
