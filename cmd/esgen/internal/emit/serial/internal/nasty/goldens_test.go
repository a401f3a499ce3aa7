package nasty

import (
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	gonames "github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/upcast/upcasttest"
)

// Every shape that there is, at every edge, is read as it was when it was written down.
func TestGoldensOfEveryShape(t *testing.T) {
	all := append([]subject{
		subjectOf(appendMoment, decodeMoment), subjectOf(appendBlob, decodeBlob), subjectOf(appendQuote, decodeQuote),
		subjectOf(appendCount, decodeCount), subjectOf(appendInts, decodeInts), subjectOf(appendTimes, decodeTimes),
	}, subjects...)
	byName, byType := map[string]subject{}, map[reflect.Type]subject{}
	var latest []any
	for _, s := range all {
		v := reflect.ValueOf(s.fresh()).Elem()
		byName["nasty."+gonames.Snake(s.name)], byType[v.Type()] = s, s
		latest = append(latest, v.Interface())
	}
	files, err := filepath.Glob("../../testdata/nasty/esgen.lock/golden/*.json")
	if err != nil || len(files) != len(all) {
		t.Fatalf("%d files of goldens for %d types: %v", len(files), len(all), err)
	}
	upcasttest.Goldens(t, upcasttest.Chain[any]{
		Latest: latest,
		Decode: func(name string, schema int, data []byte) ([]any, error) {
			s, ok := byName[name]
			if !ok || schema != 1 {
				return nil, fmt.Errorf("version %d of %s: no such type", schema, name)
			}
			v := s.fresh()
			err := s.decode(data, v)
			return []any{reflect.ValueOf(v).Elem().Interface()}, err
		},
		Encode: func(dst []byte, event any) (string, int, []byte, error) {
			s := byType[reflect.TypeOf(event)]
			v := reflect.New(reflect.TypeOf(event))
			v.Elem().Set(reflect.ValueOf(event))
			data, err := s.append(dst, v.Interface())
			return "nasty." + gonames.Snake(s.name), 1, data, err
		},
	}, files...)
}
