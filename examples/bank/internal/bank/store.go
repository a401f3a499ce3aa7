package bank

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/sqlite"
)

// Store is an event store that must be closed after use.
type Store interface {
	es.Store
	Close() error
}

// CheckStoreName refuses the name of a store that can't be one, whatever there is.
func CheckStoreName(name string) error {
	engine, _, named := strings.Cut(name, ":")
	switch {
	case name == "":
		return errors.New("the store has no name: say --store FILE")
	case name == ":memory:":
		return errors.New(`store ":memory:": say memory: for a store that ends with the process`)
	case name == "memory:" || engine == "postgres" || engine == "postgresql":
		return nil
	case named && len(engine) > 1 && !strings.ContainsAny(engine, `/\.`):
		return fmt.Errorf("store %q: the bank has no engine for %s: use memory:, a postgres:// URL, or a file, such as bank.db or ./%s", name, engine, name)
	}
	return nil
}

// OpenStore opens the store of a name: "memory:" for one that ends with the process, a postgres://
// URL, else the path of an SQLite file. Unless create is set a file, or a database's tables, must be there
// already. Here and in [CheckStoreName] alone is known which engines there are.
func OpenStore(ctx context.Context, name string, create bool) (Store, error) {
	if err := CheckStoreName(name); err != nil {
		return nil, err
	}
	switch engine, _, _ := strings.Cut(name, ":"); {
	case name == "memory:":
		return memory.New(), nil
	case engine == "postgres" || engine == "postgresql":
		return openPostgres(ctx, name, create)
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, fmt.Errorf("there is no bank at %s: make one with bank open, or say --store FILE", name)
	}
	store, err := sqlite.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return store, nil
}

func openPostgres(ctx context.Context, url string, create bool) (Store, error) {
	var opts []postgres.Option
	if !create {
		opts = append(opts, postgres.WithoutMigration())
	}
	store, err := postgres.Open(ctx, url, opts...)
	if errors.Is(err, postgres.ErrSchema) && !create {
		return nil, fmt.Errorf("there is no bank in this database, or an older one: make or migrate it with bank open: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return store, nil
}
