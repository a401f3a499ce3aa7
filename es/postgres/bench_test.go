package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// The benchmarks run the store and what one would write by hand with pgx side by side, in
// rounds that alternate, on the same kind of table, with fsync on. What they report are the medians
// of the rounds' ratios: above 1, the store is faster ("speed"), or it takes more
// processor time, of client and server together ("cpu").
//
//	go test -run '^$' -bench . -benchtime 5000x ./es/postgres

// contender is one way to do the work.
type contender struct {
	name string
	run  func(n int) // does the work n times
}

// rounds is how often the contenders alternate.
const rounds = 7

// compare runs the contenders for b.N each, the first being the store.
func compare(b *testing.B, server *pgtest.Server, contenders ...contender) {
	b.Helper()
	compareBy(b, func() time.Duration { return usedCPU(server) }, contenders...)
}

// compareBy is compare with another way to read the processor time.
func compareBy(b *testing.B, usedCPU func() time.Duration, contenders ...contender) {
	b.Helper()
	n := max(b.N/rounds, 1)
	wall := make([][]float64, len(contenders))
	cpu := make([][]float64, len(contenders))
	for _, c := range contenders { // connections, plans, caches
		c.run(max(n/10, 1))
	}
	b.ResetTimer()
	for round := range rounds {
		for i := range contenders {
			i = (i + round) % len(contenders)
			cpuBefore, before := usedCPU(), time.Now()
			contenders[i].run(n)
			wall[i] = append(wall[i], time.Since(before).Seconds()/float64(n))
			cpu[i] = append(cpu[i], (usedCPU()-cpuBefore).Seconds()/float64(n))
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	for i, c := range contenders {
		b.ReportMetric(1/median(wall[i]), c.name+"/s")
		b.ReportMetric(median(cpu[i])*1e6, c.name+"-cpu-µs")
		if i > 0 {
			b.ReportMetric(medianRatio(wall[i], wall[0]), "speed/"+c.name)
			b.ReportMetric(medianRatio(cpu[0], cpu[i]), "cpu/"+c.name)
		}
	}
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		if b[i] > 0 {
			ratios[i] = a[i] / b[i]
		}
	}
	return median(ratios)
}

// usedCPU is the processor time of this process and of the server.
func usedCPU(server *pgtest.Server) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano()+u.Stime.Nano()) + server.CPU()
}

// payload is 300 bytes of JSON.
var payload = fmt.Appendf(nil, `{"amount":12345,"currency":"EUR","note":"%s"}`, bytes.Repeat([]byte("x"), 257))

func newEvent() es.Event {
	return es.Event{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: payload}
}

// bench is a store, and a table of the same kind for what is written by hand.
type bench struct {
	server *pgtest.Server
	store  *postgres.Store
	pool   *pgxpool.Pool // for both
	schema string        // of the store
	table  string        // of the hand-written
}

func newBench(b *testing.B) *bench {
	b.Helper()
	server := pgtest.Shared(b)
	x, err := openBench(server.URL(), pgtest.Name(b), pgtest.Name(b)+".events")
	if err != nil {
		b.Fatal(err)
	}
	x.server = server
	other, _, _ := strings.Cut(x.table, ".")
	s, err := postgres.New(context.Background(), x.pool, postgres.Schema(other))
	if err != nil {
		b.Fatal(err)
	}
	s.Close()
	b.Cleanup(func() {
		x.close()
		server.Exec(b, "DROP SCHEMA "+x.schema+" CASCADE; DROP SCHEMA "+other+" CASCADE")
	})
	return x
}

func openBench(url, schema, table string) (*bench, error) {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url+"&pool_max_conns=64")
	if err != nil {
		return nil, err
	}
	s, err := postgres.New(ctx, pool, postgres.Schema(schema))
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &bench{store: s, pool: pool, schema: schema, table: table}, nil
}

func (x *bench) close() {
	x.store.Close()
	x.pool.Close()
}

// writers runs n appends by so many goroutines, each to streams of its own, with 20 events a
// stream.
func writers(b interface{ Error(...any) }, count, n int, append func(stream es.Stream, v es.Version, e es.Event) error) {
	var wg sync.WaitGroup
	for w := range count {
		wg.Go(func() {
			var stream es.Stream
			version := es.Version(20)
			for range (n + w) / count {
				if version == 20 {
					stream, version = es.Stream{Category: "account", ID: es.NewID().String()}, 0
				}
				if err := append(stream, version, newEvent()); err != nil {
					b.Error(err)
					return
				}
				version++
			}
		})
	}
	wg.Wait()
}

func (x *bench) append(stream es.Stream, v es.Version, e es.Event) error {
	_, err := x.store.Append(context.Background(), es.Write{Stream: stream, Expect: es.Exactly(v), Events: []es.Event{e}})
	return err
}

// oneStatement is the least that checks a version and appends an event.
func (x *bench) oneStatement(stream es.Stream, v es.Version, e es.Event) error {
	var position int64
	return x.pool.QueryRow(context.Background(), `INSERT INTO `+x.table+` (version, recorded_at, id, schema, category, stream, type, data)
		SELECT $1::int8 + 1, now(), $2, $3, $4, $5, $6, $7
		WHERE coalesce((SELECT max(version) FROM `+x.table+` WHERE category = $4 AND stream = $5), 0) = $1::int8 RETURNING position`,
		int64(v), [16]byte(e.ID), int32(e.Schema), stream.Category, stream.ID, e.Type, string(e.Data)).Scan(&position)
}

// transaction is what most libraries do.
func (x *bench) transaction(stream es.Stream, v es.Version, e es.Event) error {
	ctx := context.Background()
	return pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		var actual int64
		err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM `+x.table+` WHERE category = $1 AND stream = $2`, stream.Category, stream.ID).Scan(&actual)
		if err == nil && actual != int64(v) {
			err = es.ErrConflict
		}
		if err != nil {
			return err
		}
		var position int64
		return tx.QueryRow(ctx, `INSERT INTO `+x.table+` (version, recorded_at, id, schema, category, stream, type, data)
			VALUES ($1, now(), $2, $3, $4, $5, $6, $7) RETURNING position`,
			int64(v)+1, [16]byte(e.ID), int32(e.Schema), stream.Category, stream.ID, e.Type, string(e.Data)).Scan(&position)
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, count := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", count), func(b *testing.B) {
			x := newBench(b)
			compare(b, x.server,
				contender{"esgen", func(n int) { writers(b, count, n, x.append) }},
				contender{"insert", func(n int) { writers(b, count, n, x.oneStatement) }},
				contender{"tx", func(n int) { writers(b, count, n, x.transaction) }},
			)
		})
	}
}

// BenchmarkIndexes has appends to the store's table compared with those to tables that have an index less, or one
// of those more that the package's documentation offers.
func BenchmarkIndexes(b *testing.B) {
	var contenders []contender
	var server *pgtest.Server
	for _, variant := range []struct{ name, sql string }{
		{"store", ""},
		{"without-ids", "ALTER TABLE {events} DROP CONSTRAINT events_id_key"},
		{"without-positions", "ALTER TABLE {events} DROP CONSTRAINT events_position_key"},
		{"with-types", "CREATE INDEX ON {events} (type, position)"},
		{"with-times", "CREATE INDEX ON {events} (recorded_at)"},
	} {
		x := newBench(b)
		server = x.server
		server.Exec(b, strings.ReplaceAll(variant.sql, "{events}", x.schema+".events"))
		contenders = append(contenders, contender{variant.name, func(n int) { writers(b, 64, n, x.append) }})
	}
	compare(b, server, contenders...)
}
