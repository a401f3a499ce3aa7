package droppediteration

import (
	"context"
	"maps"

	"github.com/esgen-go/esgen/es"
)

func read(ctx context.Context, store es.Store, feed es.Feed) error {
	for rec := range store.Read(ctx, es.ReadQuery{}) { // want `this loop drops the iterator's error, so that an end that came early looks like the end: write for rec, err := range, and check err`
		_ = rec
	}
	for rec, _ := range feed.ReadAll(ctx, es.FeedQuery{}) { // want `drops the iterator's error`
		_ = rec
	}
	for range store.Load(ctx, es.LoadQuery{}) { // want `drops the iterator's error`
	}
	n := 0
	for _, err := range store.Read(ctx, es.ReadQuery{}) {
		if err != nil {
			return err
		}
		n++
	}
	for range maps.All(map[int]error{}) {
	}
	return nil
}

func count(ctx context.Context, store es.Store) (n int, err error) {
	for range store.Read(ctx, es.ReadQuery{}) { // want `drops the iterator's error`
		n++
	}
	return n, nil
}
