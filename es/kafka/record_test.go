package kafka_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/kafka"
)

func recorded() es.Recorded {
	return es.Recorded{
		Event: es.Event{
			ID: uuid.MustParse("0192d0c0-0000-7000-8000-000000000001"), Type: "account.opened", Schema: 2,
			Data: []byte("{\"owner\" : \"Åda\\u0000\"}\n"),
			Meta: es.Metadata{CorrelationID: "c-1", CausationID: "c-0", Actor: "ada", Tenant: "north", Keys: map[string]string{"ip": "::1"}},
		},
		Stream: es.Stream{Category: "account", ID: "0192"}, Version: 7, Position: 1234,
		RecordedAt: time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC),
	}
}

func texts(headers []kgo.RecordHeader) (all []string) {
	for _, h := range headers {
		all = append(all, h.Key+": "+string(h.Value))
	}
	return all
}

func TestARecordIsACloudEventInBinaryMode(t *testing.T) {
	t.Parallel()
	rec := recorded()
	p := publisher(t, nil, kafka.TopicPerCategory("bank."), kafka.Catalogue("https://bank.example/events/"),
		kafka.Headers(func(rec es.Recorded) []kgo.RecordHeader {
			return []kgo.RecordHeader{{Key: "ip", Value: []byte(rec.Meta.Keys["ip"])}}
		}))
	r := p.Record(rec)
	want := []string{
		"content-type: application/json",
		"ce_specversion: 1.0",
		"ce_id: 0192d0c0-0000-7000-8000-000000000001",
		"ce_source: " + source,
		"ce_type: account.opened",
		"ce_subject: account-0192",
		"ce_time: 2026-01-02T03:04:05.678901Z",
		"ce_dataschema: https://bank.example/events/account/account.opened.v2.json",
		"ce_schemaversion: 2",
		"ce_streamversion: 7",
		"ce_position: 1234",
		"ce_correlationid: c-1",
		"ce_causationid: c-0",
		"ce_actor: ada",
		"ce_tenant: north",
		"ip: ::1",
	}
	if got := texts(r.Headers); !slices.Equal(got, want) {
		t.Errorf("the headers are\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.Topic != "bank.account" || string(r.Key) != "account-0192" || string(r.Value) != string(rec.Data) || !r.Timestamp.IsZero() {
		t.Errorf("the record is %+v", r)
	}
	for _, h := range r.Headers { // of CloudEvents 1.0: names of attributes are lower-case letters and digits, up to 20 of them
		name, is := strings.CutPrefix(h.Key, "ce_")
		if is && (strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(name) > 20) {
			t.Errorf("CloudEvents has no attribute %s", name)
		}
	}
	got, err := kafka.Parse(r)
	rec.Meta.Keys = nil
	if err != nil || !reflect.DeepEqual(got, rec) {
		t.Errorf("parsed, it is %+v (%v), not %+v", got, err, rec)
	}
}

func TestWhatAnEventLacksIsNoAttribute(t *testing.T) {
	t.Parallel()
	rec := recorded()
	rec.Meta = es.Metadata{}
	r := publisher(t, nil).Record(rec)
	for _, h := range r.Headers {
		if len(h.Value) == 0 || slices.Contains([]string{"ce_correlationid", "ce_causationid", "ce_actor", "ce_tenant", "ce_dataschema"}, h.Key) {
			t.Errorf("header %s is %q", h.Key, h.Value)
		}
	}
	if got, err := kafka.Parse(r); err != nil || !reflect.DeepEqual(got, rec) {
		t.Errorf("parsed, it is %+v (%v), not %+v", got, err, rec)
	}
}

// schemaOf returns the dataschema of an event.
func schemaOf(t *testing.T, category, eventType string, version int) (uri string) {
	t.Helper()
	rec := recorded()
	rec.Stream.Category, rec.Type, rec.Schema = category, eventType, version
	for _, h := range publisher(t, nil, kafka.Catalogue("https://github.com/esgen-go/esgen/examples/bank/events")).Record(rec).Headers {
		if h.Key == "ce_dataschema" {
			uri = string(h.Value)
		}
	}
	return uri
}

func TestTheCatalogueNamesTheSchemasThatEsgenDocsWrites(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/bank/docs/events/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), "files of the bank's catalogue", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			ID    string `json:"$id"`
			Title string
		}
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		var eventType string
		var version int
		if _, err := fmt.Sscanf(schema.Title, "%s v%d", &eventType, &version); err != nil {
			t.Fatalf("%s: the title is %q: %v", file, schema.Title, err)
		}
		if got := schemaOf(t, filepath.Base(filepath.Dir(file)), eventType, version); got != schema.ID {
			t.Errorf("%s: the catalogue names %q, and the file has %q", file, got, schema.ID)
		}
	}
}

func TestTheCatalogueLeavesOutNamesThatHaveOtherFiles(t *testing.T) {
	t.Parallel()
	for _, eventType := range []string{"AccountOpened", "urn:account", "a/b", ".hidden"} {
		if got := schemaOf(t, "account", eventType, 1); got != "" {
			t.Errorf("the schema of %s is %q", eventType, got)
		}
	}
}

func TestARecordOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	p := publisher(t, nil)
	for name, change := range map[string]func(r *kgo.Record){
		"no headers":       func(r *kgo.Record) { r.Headers = nil },
		"ce_streamversion": func(r *kgo.Record) { set(r, "ce_streamversion", "") },
		"ce_position":      func(r *kgo.Record) { set(r, "ce_position", "1e3") },
		"ce_id":            func(r *kgo.Record) { set(r, "ce_id", "7") },
		"ce_subject":       func(r *kgo.Record) { set(r, "ce_subject", "Account") },
		"ce_time":          func(r *kgo.Record) { set(r, "ce_time", "yesterday") },
		"ce_specversion":   func(r *kgo.Record) { set(r, "ce_specversion", "2.0") },
		"ce_schemaversion": func(r *kgo.Record) { set(r, "ce_schemaversion", "9999999999999999999999") },
		"ce_type is not there": func(r *kgo.Record) {
			r.Headers = slices.DeleteFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == "ce_type" })
		},
	} {
		r := p.Record(recorded())
		change(r)
		if rec, err := kafka.Parse(r); !errors.Is(err, kafka.ErrNoEvent) || !reflect.DeepEqual(rec, es.Recorded{}) {
			t.Errorf("%s: parsed, it is %+v, with error %v", name, rec, err)
		}
	}
}

func set(r *kgo.Record, key, value string) {
	for i := range r.Headers {
		if r.Headers[i].Key == key {
			r.Headers[i].Value = []byte(value)
		}
	}
}

func FuzzParse(f *testing.F) {
	p, err := kafka.NewPublisher(source, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer p.Close()
	for _, h := range p.Record(recorded()).Headers {
		f.Add(h.Key, string(h.Value))
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		r := p.Record(recorded())
		set(r, key, value)
		rec, err := kafka.Parse(r)
		if err != nil {
			return
		}
		again, err := kafka.Parse(p.Record(rec))
		same := rec.RecordedAt.Equal(again.RecordedAt)
		rec.RecordedAt = again.RecordedAt // perhaps in another zone
		if err != nil || !same || !reflect.DeepEqual(rec, again) {
			t.Fatalf("%+v is published as %+v (%v)", rec, again, err)
		}
	})
}
