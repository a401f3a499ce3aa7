package memory_test

import (
	"context"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open:     func(context.Context, string) (es.Store, error) { return memory.New(), nil },
		Complete: true,
	})
}
