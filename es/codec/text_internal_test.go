package codec

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever is asked for, and however often, strings stay within the memory that was reserved for them.
func TestStringsStayWithinTheirMemory(t *testing.T) {
	t.Parallel()
	for _, filler := range []int{0, 10, 100, 2000} {
		d := NewDecoder([]byte(`{"name":"value","":"","name with ü":"` + strings.Repeat("x", filler) + `","é":"short"}`))
		check := func() {
			if d.chars.used > d.chars.size {
				t.Fatalf("%d of %d bytes are used", d.chars.used, d.chars.size)
			}
		}
		for name, ok := d.Object(); ok; name, ok = d.Next() {
			for range 5 {
				d.Name(name)
				check()
			}
			at := d.pos
			for range 5 {
				d.pos = at
				_ = d.String()
				check()
			}
		}
		if err := d.End(); err != nil {
			t.Fatal(err)
		}
	}
}

// The end of an array of objects is found, whatever arrays are in it, around it and behind it.
func TestArrayEndIsThatOfTheArray(t *testing.T) {
	t.Parallel()
	type node struct {
		Numbers []int    `json:"numbers"`
		Lists   [][]int  `json:"lists"`
		Names   []string `json:"names"`
		Nodes   []node   `json:"nodes"`
		Last    any      `json:"last"`
	}
	r := rand.New(rand.NewPCG(1, 2))
	var random func(depth int) node
	random = func(depth int) node {
		n := node{Numbers: make([]int, r.IntN(4)), Lists: make([][]int, r.IntN(3)), Names: []string{"a"}, Nodes: []node{}, Last: r.IntN(100)}
		for range r.IntN(5) {
			if depth > 0 {
				n.Nodes = append(n.Nodes, random(depth-1))
			}
		}
		return n
	}
	for range 200 {
		text, err := json.Marshal(random(4))
		if err != nil {
			t.Fatal(err)
		}
		for i := range text {
			if !bytes.HasPrefix(text[i:], []byte("[{")) {
				continue
			}
			want, open := i+1, 1
			for ; ; want++ {
				if text[want] == '[' {
					open++
				} else if text[want] == ']' {
					if open--; open == 0 {
						break
					}
				}
			}
			if got := i + 1 + arrayEnd(text[i+1:]); got != want {
				t.Fatalf("the array at %d ends at %d, want %d:\n%s", i, got, want, text)
			}
		}
	}
}
