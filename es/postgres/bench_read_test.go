package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

func BenchmarkAppendMany(b *testing.B) {
	ctx := context.Background()
	for _, size := range []int{5, 100} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			x := newBench(b)
			n := 0
			each := func(append func(stream es.Stream, events []es.Event) error) func(int) {
				return func(times int) {
					for range times {
						n++
						if err := append(stream(fmt.Sprint("many-", n)), write(es.Stream{}, es.Any, size).Events); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			compare(b, x.server,
				contender{"esgen", each(func(s es.Stream, events []es.Event) error {
					_, err := x.store.Append(ctx, es.Write{Stream: s, Expect: es.NoStream, Events: events})
					return err
				})},
				contender{"unnest", each(func(s es.Stream, events []es.Event) error {
					versions, ids, schemas, types, data := make([]int64, size), make([][16]byte, size), make([]int32, size), make([]string, size), make([]string, size)
					for i, e := range events {
						versions[i], ids[i], schemas[i], types[i], data[i] = int64(i+1), e.ID, int32(e.Schema), e.Type, string(e.Data)
					}
					_, err := x.pool.Exec(ctx, `INSERT INTO `+x.table+` (version, recorded_at, id, schema, category, stream, type, data)
						SELECT v, now(), i, s, $5, $6, t, d::json FROM unnest($1::int8[], $2::uuid[], $3::int4[], $4::text[], $7::text[]) AS u (v, i, s, t, d)
						WHERE coalesce((SELECT max(version) FROM `+x.table+` WHERE category = $5 AND stream = $6), 0) = 0`,
						versions, ids, schemas, types, s.Category, s.ID, data)
					return err
				})},
				contender{"tx", each(func(s es.Stream, events []es.Event) error {
					return pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
						var actual int64
						if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM `+x.table+` WHERE category = $1 AND stream = $2`, s.Category, s.ID).Scan(&actual); err != nil {
							return err
						}
						for i, e := range events {
							if _, err := tx.Exec(ctx, `INSERT INTO `+x.table+` (version, recorded_at, id, schema, category, stream, type, data)
								VALUES ($1, now(), $2, $3, $4, $5, $6, $7)`, i+1, [16]byte(e.ID), int32(e.Schema), s.Category, s.ID, e.Type, string(e.Data)); err != nil {
								return err
							}
						}
						return nil
					})
				})},
			)
		})
	}
}

// fill appends events to one stream.
func (x *bench) fill(b *testing.B, id string, events int) es.Stream {
	b.Helper()
	s := stream(id)
	for left := events; left > 0; left -= 5000 {
		if _, err := x.store.Append(context.Background(), write(s, es.Any, min(left, 5000))); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := x.pool.Exec(context.Background(), "VACUUM ANALYZE "+x.schema+".events"); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	x := newBench(b)
	s := x.fill(b, "long", 1000)
	long := x.fill(b, "longer", 100_000)
	load := func(q es.LoadQuery, want int) func(int) {
		return func(n int) {
			for range n {
				rows := 0
				for _, err := range x.store.Load(ctx, q) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
				if rows != want {
					b.Fatalf("%d rows, want %d", rows, want)
				}
			}
		}
	}
	b.Run("events=1000", func(b *testing.B) {
		compare(b, x.server,
			contender{"esgen", load(es.LoadQuery{Stream: s}, 1000)},
			contender{"scan", func(n int) {
				for range n {
					rows, err := x.pool.Query(ctx, "SELECT version, type, schema, data FROM "+x.schema+".events WHERE category = $1 AND stream = $2 ORDER BY version", s.Category, s.ID)
					if err != nil {
						b.Fatal(err)
					}
					var version int64
					var typeName string
					var schema int32
					var data []byte
					for rows.Next() {
						if err := rows.Scan(&version, &typeName, &schema, &data); err != nil {
							b.Fatal(err)
						}
					}
					if rows.Err() != nil {
						b.Fatal(rows.Err())
					}
				}
			}},
			contender{"nothing", func(n int) {
				for range n {
					rows, err := x.pool.Query(ctx, "SELECT version, type, schema, data FROM "+x.schema+".events WHERE category = $1 AND stream = $2 ORDER BY version", s.Category, s.ID)
					if err != nil {
						b.Fatal(err)
					}
					for rows.Next() {
					}
					if rows.Err() != nil {
						b.Fatal(rows.Err())
					}
				}
			}},
		)
	})
	b.Run("snapshot", func(b *testing.B) {
		for _, s := range []struct {
			es.Stream
			last es.Version
		}{{s, 1000}, {long, 100_000}} {
			if err := x.store.SaveSnapshot(ctx, es.Snapshot{Stream: s.Stream, Version: s.last - 5, Fingerprint: "f", Data: payload}); err != nil {
				b.Fatal(err)
			}
		}
		compare(b, x.server,
			contender{"100000", load(es.LoadQuery{Stream: long, Fingerprint: "f"}, 6)},
			contender{"1000", load(es.LoadQuery{Stream: s, Fingerprint: "f"}, 6)},
		)
	})
}

// BenchmarkReadAll reads 100,000 events; its figures are per read.
func BenchmarkReadAll(b *testing.B) {
	ctx := context.Background()
	x := newBench(b)
	const events = 100_000
	for i := range 20 {
		x.fill(b, fmt.Sprint("feed-", i), events/20)
	}
	conn, err := x.pool.Acquire(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	compare(b, x.server,
		contender{"esgen", func(n int) {
			for range n {
				rows := 0
				for _, err := range x.store.ReadAll(ctx, es.FeedQuery{}) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
				if rows != events {
					b.Fatalf("%d rows, want %d", rows, events)
				}
			}
		}},
		contender{"copy", func(n int) {
			for range n {
				if _, err := conn.Conn().PgConn().CopyTo(ctx, discard{}, `COPY (SELECT position, version, recorded_at, id, schema, category, stream, type, data, metadata FROM `+
					x.schema+`.events ORDER BY position) TO STDOUT (FORMAT BINARY)`); err != nil {
					b.Fatal(err)
				}
			}
		}},
		contender{"nothing", func(n int) {
			for range n {
				rows, err := x.pool.Query(ctx, `SELECT position, version, recorded_at, id, schema, category, stream, type, data, metadata FROM `+x.schema+`.events ORDER BY position`)
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
				}
			}
		}},
	)
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
