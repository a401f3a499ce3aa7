package rows_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/esgen-go/esgen/examples/bank/internal/rows"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// readAll renders rows as text: line, id and request or error.
func readAll(t *testing.T, in io.Reader, format rows.Format) []string {
	t.Helper()
	var got []string
	for row, err := range rows.Read(in, format) {
		if err != nil {
			got = append(got, "error: "+err.Error())
			continue
		}
		what := row.Request.String()
		if row.Err != nil {
			what = row.Err.Error()
		}
		got = append(got, fmt.Sprintf("%d %s %s", row.Line, row.ID, what))
	}
	return got
}

func expect(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d rows, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("row %d is\n\t%s\nwant it to have\n\t%s", i, got[i], want[i])
		}
	}
}

func TestBothFormatsReadTheSameOperations(t *testing.T) {
	t.Parallel()
	want := []string{
		`o1 open alice for "Alice Ada" with an overdraft limit of 50.00 EUR`,
		`o2 open kenji for "Kenji, K." with an overdraft limit of 0 JPY`,
		`d1 deposit 12.34 EUR to alice`,
		`w1 withdraw 1.00 EUR from alice`,
		`t1 transfer 2.50 EUR from alice to bob`,
		`c1 close bob`,
	}
	expect(t, readAll(t, strings.NewReader(`{"id":"o1","kind":"open","account":"alice","owner":"Alice Ada","overdraft":"50 EUR"}
{"id":"o2","kind":"open","account":"kenji","owner":"Kenji, K.","currency":"JPY"}
{"id":"d1","kind":"deposit","account":"alice","amount":"12.34 EUR","note":"salary"}

{"id":"w1","kind":"withdraw","account":"alice","amount":"1 EUR"}
{"id":"t1","kind":"transfer","account":"alice","to":"bob","amount":"2.50 EUR"}
{"id":"c1","kind":"close","account":"bob"}`), rows.JSONLines), want)
	expect(t, readAll(t, strings.NewReader("\ufeffid,kind,account,to,owner,amount,overdraft,currency,note\r\n"+
		"o1,open,alice,,Alice Ada,,50 EUR,,\r\n"+
		"o2,open,kenji,,\"Kenji, K.\",,,JPY,\r\n"+
		"d1,deposit,alice,,,12.34 EUR,,,salary\r\n"+
		"\r\n"+
		"w1,withdraw,alice,,,1 EUR,,,\r\n"+
		"t1,transfer,alice,bob,,2.50 EUR,,,\r\n"+
		"c1,close,bob,,,,,,\r\n"), rows.CSV), want)
}

func TestARowIsReadWhole(t *testing.T) {
	t.Parallel()
	const line = `{"id":"d1","kind":"deposit","account":"alice","amount":"12.34 EUR","note":"salary"}`
	for row, err := range rows.Read(strings.NewReader("\n"+line), rows.JSONLines) {
		want := rows.Row{Line: 2, End: 1 + int64(len(line)), ID: "d1", Request: operation.Request{
			Kind: operation.Deposit, Account: "alice", Amount: money.New(1234, "EUR"), Note: "salary",
		}}
		if err != nil || row != want {
			t.Errorf("got %+v, %v; want %+v", row, err, want)
		}
	}
}

func TestABadJSONLineIsRefusedByItsNumberAndTheNextIsRead(t *testing.T) {
	t.Parallel()
	const good = `{"id":"c","kind":"close","account":"bob"}`
	for line, want := range map[string]string{
		`hello`:                           "not a JSON object",
		`[1]`:                             "not a JSON object",
		`{"id":"x"`:                       "cut off",
		`{"id":"x",}`:                     "not valid JSON",
		`{"id":"x","kind":`:               "cut off",
		good + good:                       "more in the line than one",
		`{"id":"x","id":"y"}`:             `"id" is there twice`,
		`{"id":"x","sum":"1"}`:            `"sum" is none of id, kind`,
		`{"id":7}`:                        `"id" must be a string`,
		`{"id":"x","amount":{"minor":1}}`: `"amount" must be a string`,
		`{"kind":"close","account":"a"}`:  `"id" is missing`,
		`{"id":"x y"}`:                    `id "x y": taken are ASCII letters`,
		`{"id":"x","account":"a"}`:        `"kind" is missing`,
		`{"id":"x","kind":"steal"}`:       `kind "steal" is none of`,
		`{"id":"x","kind":"close"}`:       `"account" is missing`,
		`{"id":"x","kind":"open","account":"a","owner":"A"}`:                                   `"currency" is missing`,
		`{"id":"x","kind":"open","account":"a","owner":"A","currency":"XXX"}`:                  `"XXX" is not one that`,
		`{"id":"x","kind":"open","account":"a","currency":"USD","overdraft":"1 EUR"}`:          `currency is "USD", but`,
		`{"id":"x","kind":"deposit","account":"a"}`:                                            `"amount" is missing`,
		`{"id":"x","kind":"deposit","account":"a","amount":"1.234 EUR"}`:                       `EUR has 2 decimal digits, not 3`,
		`{"id":"x","kind":"deposit","account":"a","amount":"1 EUR","to":"b"}`:                  `"to" has no meaning for kind deposit`,
		`{"id":"x","kind":"transfer","account":"a","amount":"1 EUR"}`:                          `"to" is missing`,
		`{"id":"x","kind":"close","account":"a","note":"` + strings.Repeat("x", 70_000) + `"}`: "longer than 65536 bytes",
		"{\"id\":\"\xff\"}": "not UTF-8",
	} {
		expect(t, readAll(t, strings.NewReader(line+"\n"+good), rows.JSONLines), []string{"1  ", "2 c close bob"})
		expect(t, readAll(t, strings.NewReader(line), rows.JSONLines), []string{want})
	}
}

func TestABadCSVLineIsRefusedByItsNumberAndTheNextIsRead(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`x,close`:       "2 columns, the header has 3",
		`x,close,a,b`:   "4 columns, the header has 3",
		`"x,close,a`:    "not CSV at column",
		`x,clo"se,a`:    "not CSV at column",
		`x,deposit,bob`: `"amount" is missing`,
	} {
		expect(t, readAll(t, strings.NewReader("id,kind,account\n"+line+"\nc,close,bob\n"), rows.CSV), []string{"2  " + want[:1], "3 c close bob"})
		expect(t, readAll(t, strings.NewReader("id,kind,account\n"+line), rows.CSV), []string{want})
	}
}

// What a customer wrote into a note must not be carried out as a row.
func TestAValueThatGoesOverTheEndOfItsLineIsRefusedWholeAndNeverReadAsRows(t *testing.T) {
	t.Parallel()
	const header, next = "id,kind,account,to,amount,note\n", "\nc,close,bob,,,\n"
	inside := "\nevil,deposit,mallory,,1000 EUR,"
	long := strings.Repeat("x", 70_000)
	for value, last := range map[string]int{
		`"to you,` + inside + "\n\"":                       4,
		`"to you,` + inside + `"`:                          3,
		`"a ""b""` + inside + inside + "\r\n\r\n" + `"`:    6,
		`"` + inside + "\n\",\"\"\"\"":                     4, // one column too many, and still one row
		`"` + inside + "\n" + long + inside + "\"\"\n\"":   6,
		`"` + long + inside + "\n\"":                       4,
		`"` + strings.Repeat("x", rows.MaxLine) + "\"\r":   2, // a long line, and no more
		`"` + strings.Repeat("x", rows.MaxLine) + "\"\"\"": 2,
	} {
		want := []string{"2  a quoted value goes over the end of its line, up to line " + fmt.Sprint(last), fmt.Sprint(last+1) + " c close bob"}
		if last == 2 {
			want[0] = "2  the line is longer than"
		}
		expect(t, readAll(t, strings.NewReader(header+"r,deposit,bob,,1 EUR,"+value+next), rows.CSV), want)
	}
}

func TestEveryRecordOfACSVFileIsOneRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{`"`, ",", "\n", "\r", "x", "\nevil,deposit,mallory,1 EUR,", strings.Repeat("y", rows.MaxLine)})
		notes := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(part, 0, 8), func(p []string) string { return strings.Join(p, "") }), 1, 5).Draw(t, "notes")
		var file strings.Builder
		out := csv.NewWriter(&file)
		out.Write([]string{"id", "kind", "account", "amount", "note"})
		for i, note := range notes {
			out.Write([]string{fmt.Sprint("r", i), "deposit", "bob", "1 EUR", note})
		}
		out.Flush()
		got := 0
		for row, err := range rows.Read(strings.NewReader(file.String()), rows.CSV) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Err == nil && (row.ID != fmt.Sprint("r", got) || row.Request.Note != strings.TrimSpace(notes[got])) {
				t.Fatalf("record %d was read as %+v", got, row)
			}
			got++
		}
		if got != len(notes) {
			t.Fatalf("%d records were read as %d rows:\n%q", len(notes), got, file.String())
		}
	})
}

func TestAForgottenQuoteCostsOneRow(t *testing.T) {
	t.Parallel()
	const header = "id,kind,account,note\n"
	for after, want := range map[string][]string{
		"":                               nil,
		"c,close,bob,\n":                 {"3 c close bob"},
		"c,close,bob,\nd,close,\"bob\",": {"3 c close bob", "4 d close bob"},
		"c,close,bob,\n\n" + `d,close,b"b,` + "\ne,close,eve,":                {"3 c close bob", "5  not CSV", "6 e close eve"},
		"c,close,bob,\n" + strings.Repeat("x", 70_000) + "\ne,close,\"eve\",": {"3 c close bob", "4  the line is longer", "5 e close eve"},
	} {
		want = append([]string{"2  not CSV at column"}, want...)
		expect(t, readAll(t, strings.NewReader(header+"r,close,\"bob,\n"+after), rows.CSV), want)
	}
}

// Where a value ends can't be told then, nor what is a row.
func TestAQuoteThatStaysOpenForLongEndsTheFile(t *testing.T) {
	t.Parallel()
	file := "id,kind,account\na,close,alice\nr,close,\"bob\n" + strings.Repeat("c,close,bob\n", 100_000)
	expect(t, readAll(t, strings.NewReader(file), rows.CSV), []string{"2 a close alice", "error: reading line 3: a quoted value begins here and has no end within"})
}

func TestACSVFileNeedsAHeaderThatNamesItsColumns(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"x,close,bob":               `column "x" is none of id, kind`,
		"id,kind":                   `column "account" is missing`,
		"id,kind,account,id":        `column "id" is there twice`,
		`id,kind,"account`:          "not CSV",
		` {"id":"1"}`:               "it is JSON, not CSV",
		strings.Repeat("x", 70_000): "longer than",
	} {
		expect(t, readAll(t, strings.NewReader(header+"\nc,close,bob\n"), rows.CSV), []string{"error: reading line 1: "})
		expect(t, readAll(t, strings.NewReader(header), rows.CSV), []string{want})
		expect(t, readAll(t, strings.NewReader("\n \n"+header), rows.CSV), []string{"error: reading line 3: no usable header: "})
	}
}

func TestAnEmptyFileHasNoRows(t *testing.T) {
	t.Parallel()
	for _, format := range []rows.Format{rows.JSONLines, rows.CSV} {
		for _, empty := range []string{"", "\n", " \r\n\n"} {
			expect(t, readAll(t, strings.NewReader(empty), format), nil)
		}
	}
}

func TestTheLongestLineIsReadAndAFileThatFailsSaysWhere(t *testing.T) {
	t.Parallel()
	head, tail := `{"id":"c","kind":"deposit","account":"a","amount":"1 EUR","note":"`, `"}`
	longest := head + strings.Repeat("x", rows.MaxLine-len(head)-len(tail)) + tail
	expect(t, readAll(t, strings.NewReader(longest+"\r\n"+longest+"x\n"), rows.JSONLines), []string{"1 c deposit", "2  the line is longer"})
	broken := io.MultiReader(strings.NewReader(`{"id":"c","kind":"close","account":"a"}`+"\n"), iotest.ErrReader(errors.New("disk gone")))
	expect(t, readAll(t, broken, rows.JSONLines), []string{"1 c close a", "error: reading line 2: disk gone"})
}

func TestTheFormatIsToldByTheNameOfTheFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		want       rows.Format
	}{
		{"", "a.jsonl", rows.JSONLines}, {"", "a.NDJSON", rows.JSONLines}, {"", "a.b.csv", rows.CSV},
		{"csv", "-", rows.CSV}, {"jsonl", "a.csv", rows.JSONLines}, {"", "-", ""}, {"", "a.txt", ""}, {"xml", "a.csv", ""},
	} {
		got, err := rows.ParseFormat(c.name, c.file)
		if got != c.want || (err == nil) == (c.want == "") {
			t.Errorf("ParseFormat(%q, %q) = %q, %v; want %q", c.name, c.file, got, err, c.want)
		}
	}
}
