package droppederror

import (
	"testing"

	"github.com/esgen-go/esgen/repository"
)

func TestOpen(t *testing.T) {
	a := NewAccount("1")
	a.Open()
	var r *repository.Repository[Account]
	_, _ = r.Save(t.Context(), a)
	r.Save(t.Context(), a) // want `the error of Save is dropped`
}
