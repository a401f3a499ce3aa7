package droppederror

import (
	"context"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/repository"
)

//esgen:aggregate name=account
type Account struct {
	aggregate.Root
	N int
}

//esgen:event apply=assign
type Opened struct{ N int }

func (a *Account) Open() error {
	a.recordOpened(Opened{1})
	return nil
}

func (a *Account) check() error { return nil }

func (a *Account) Reopen() error {
	a.check()
	a.Open() // want `the error of Open is dropped: the command may have been refused, so check it`
	return nil
}

func save(ctx context.Context, r *repository.Repository[Account], store es.Store, a *Account) error {
	r.Save(ctx, a)                      // want `the error of Save is dropped: what it should have done may not have happened, so check it`
	r.Update(ctx, "1", (*Account).Open) // want `the error of Update is dropped`
	_, _ = r.Save(ctx, a)               // want `the error of Save is dropped`
	_ = r.Verify(ctx, "1")              // want `the error of Verify is dropped`
	receipt, _ := store.Append(ctx)     // want `the error of Append is dropped`
	go r.RebuildSnapshot(ctx, "1")      // want `the error of RebuildSnapshot is dropped`
	defer r.RebuildSnapshot(ctx, "1")   // want `the error of RebuildSnapshot is dropped`
	_ = receipt
	if _, err := r.Save(ctx, a); err != nil {
		return err
	}
	err := r.Update(ctx, "1", func(a *Account) error {
		a.Open() // want `the error of Open is dropped`
		return nil
	})
	return err
}

func several(ctx context.Context, r *repository.Repository[Account], a *Account) (int, error) {
	r.Save(ctx, a) // want `the error of Save is dropped`
	s := memory.New()
	defer s.Close()
	_ = s.Close()
	rec := es.Recorded{}
	events, _ := DecodeAccount(rec) // want `the error of DecodeAccount is dropped`
	return len(events), nil
}

var _ = NewAccountRepository
