package repository_test

import (
	"encoding/json"
	"fmt"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/repository"
)

// counter is a second type of aggregate.
type counter struct {
	aggregate.Root
	N int
}

type added struct{ N int }

func (c *counter) add(n int) {
	aggregate.Record(&c.Root, added{n})
	c.N += n
}

func newCounter(id string) *counter {
	c := new(counter)
	aggregate.Init(&c.Root, id, counterType{})
	return c
}

func newCounters(store es.Store, opts ...repository.Option) *repository.Repository[counter] {
	return repository.New(store, counterType{}, opts...)
}

// counterType decodes by hand, without an allocation.
type counterType struct{}

func (counterType) Category() string                { return "counter" }
func (counterType) Root(c *counter) *aggregate.Root { return &c.Root }
func (counterType) Fingerprint() string             { return "counter-1" }

func (t counterType) Replay(c *counter, row es.Row) error {
	if row.Type == "" {
		return json.Unmarshal(row.Data, &c.N)
	}
	n := 0
	for _, digit := range row.Data {
		if digit < '0' || digit > '9' {
			return fmt.Errorf("%q is no number", row.Data)
		}
		n = 10*n + int(digit-'0')
	}
	c.N += n
	return nil
}

func (counterType) Apply(c *counter, event any) error {
	c.N += event.(added).N
	return nil
}

func (counterType) Encode(dst []byte, event any) (string, int, []byte, error) {
	return "counter.added", 1, fmt.Append(dst, event.(added).N)[len(dst):], nil
}

func (counterType) AppendState(dst []byte, c *counter) ([]byte, error) {
	return fmt.Append(dst, c.N), nil
}
