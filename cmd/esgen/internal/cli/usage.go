package cli

const usage = `esgen writes the code between events and their store.

Usage:

	esgen [-check] [-base=branch] [-v] [packages]

The packages are named as for the go command, such as . (the default) or ./...;
GOFLAGS and build tags count. To each package with directives esgen writes

	es_gen.go       the sum of each aggregate's events, New, NewRepository, Decode,
	                the record methods, serializers, upcaster chains, replay
	es_gen_test.go  round-trip tests and fuzz targets for all of that, and the test that reads
	                the golden corpus; ESGEN_GOLDEN=accept go test writes down what is read
	esgen.lock/     the schema lock: a file for each event, with the shapes in which it
	                was ever stored; in golden/ stored texts of all of them; commit it

and it removes them from packages that have no directives any more. It writes
everything or, if there is a problem in any of the packages, nothing. Packages in
which nothing has changed since it found nothing to do are passed over; notes on
these are in the user's cache folder, or in $ESGEN_CACHE unless that is off.

Directives stand at the end of the doc comment, without a space after the //:

	//esgen:aggregate       on the state struct, which embeds aggregate.Root
	    name=account        stream category (default: the type's name in snake case)
	    new=NewAccount      name of the constructor (default: New in a package of
	                        the aggregate's name, else New and the type's name)
	    fold=2              version of what apply methods and upcasters use of other
	                        packages, and can't be seen into: snapshots are rebuilt when
	                        it changes. Changes in the package are seen without it
	//esgen:event           on an event's struct; (a *Account) applyOpened(e Opened)
	                        is written by you
	    name=account.opened stored name (default: category.type_in_snake_case)
	    version=2           schema version (default: 1)
	    aggregate=Account   where the package has several (the Go name)
	    apply=assign        write the apply method too: fields are copied by name
	    allow=RULE:path     changes to what is released that are meant all the same,
	                        separated by commas: see esgen help check
	    was=account.started its former stored name, or several with commas between
	//esgen:retired         beside //esgen:event: read and applied, and never recorded
	//esgen:drop            beside //esgen:aggregate, any number of times
	    name=account.viewed a stored event that is skipped; its struct is gone
	//esgen:upcast          on a function from a struct of an old version to one of a
	                        later version: func(OldV1) New; func(Old) []New or
	                        func(Old) []AccountEvent splits it; func(Old) drops it;
	                        all may return an error too. An old struct needs no
	                        directive where its upcaster leads to one event. Where the
	                        lock knows both shapes and nothing is lost, esgen writes the
	                        upcaster, and no old struct is kept
	    name=account.moved  on a function of json.RawMessage in place of a struct:
	    version=1           the event and the version that it takes (default: 1)

Tags of fields: json as in encoding/json, for events; esgen:"default=EUR" is what an
event without the field has; esgen:"was=holder" is its former name, under which it is
read too (esgen:"was=holder,default=EUR": both); esgen:"-" keeps a field of the state out
of snapshots.

Flags:

	-check  write nothing; tell which files are missing, stale or orphaned, in all packages
	        below the current folder (./...) if none are named
	-base=branch
	        what is locked where the current branch left this one is released, and must not
	        change (default: $ESGEN_BASE, or else origin/HEAD, origin/main, origin/master,
	        main or master, the first there is; none: only what is marked as released is)
	-v      tell what is read and written, and when
	-h      print this

Exit status:

	0  done; with -check: everything is current
	1  problems, one a line as file:line:col: message, and where that helps a last line
	   that says what to run; with -check: something is not current
	2  wrong usage, or esgen couldn't do its work

Examples:

	//go:generate go tool esgen            in a package, after go get -tool github.com/esgen-go/esgen/cmd/esgen
	//go:generate go tool esgen ./...      once, at the root: much faster where packages are many
	go run github.com/esgen-go/esgen/cmd/esgen ./...
	go tool esgen -check                   in CI
`
