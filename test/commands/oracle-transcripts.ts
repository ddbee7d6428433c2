// Sessions for the comparison with redis-server: a line is a request, its reply is the server's.

/** A time far enough away for any run of the tests, in Unix seconds. */
const later = 4_102_444_800;

export const transcripts: Readonly<Record<string, string>> = {
  "SET and GET": `
    get k
    set k v
    get k
    GET k
    set k ""
    get k
    set "" empty
    get ""
    set k "\\u0000\\r\\n\\u00ff"
    get k
    set k
    set
    get
    get a b
    set k v foo
    set k v nx
    get k
    set k2 v nx
    set k3 v xx
    set k v2 xx
    get k
    set k v3 get
    set k4 v get
    get k4
    set k5 v get xx
    get k5
    set k6 v nx get
    set k6 w nx get
    get k6
    set k v nx xx
    set k v xx nx
    set k v nx nx
    set k9 v xx xx
    set k v get get
    set k v GeT kEEpttl
    set k v "nx\\u0000foo"
    set k v "n"
    set k v ""
    set k v ex
    set k v ex px
    set k v ex 10 nx xx
  `,
  "SET with expiries": `
    set k v ex 100
    ttl k
    set k v
    ttl k
    set k v px 100000
    ttl k
    set k w keepttl
    ttl k
    set k v exat ${later}
    expiretime k
    set k v pxat ${later}123
    pexpiretime k
    set k v ex 0
    set k v ex -1
    set k v ex x
    set k v ex 1.5
    set k v ex ""
    set k v ex 9223372036854775807
    set k v ex 9223372036854775808
    set k v ex 9223372036854775
    set k v ex 9223372036854776
    set k v px 9223372036854775807
    set k v px 0
    set k v exat 0
    set k v exat -5
    set k v exat 9223372036854775807
    set k v exat 9223372036854775
    expiretime k
    pexpiretime k
    set k v pxat 9223372036854775807
    pexpiretime k
    set k v pxat 9223372036854775808
    get k
    set k v pxat 1
    get k
    set k v
    set k v exat 1 get
    exists k
    set k v nx exat 1
    exists k
    set k v xx ex 10
    set k v ex 1 px 1
    set k v ex 1 ex 100
    ttl k
    set k v ex 1 keepttl
    set k v keepttl ex 1
    set k v keepttl keepttl
    ttl k
    set k v ex 1 persist
    set k v persist
    set n v keepttl
    ttl n
  `,
  "SETEX, PSETEX, SETNX, GETSET, GETDEL": `
    setex k 100 v
    ttl k
    get k
    psetex k 100000 w
    ttl k
    get k
    setex k 0 v
    setex k -1 v
    setex k x v
    setex k 9223372036854775807 v
    psetex k 9223372036854775807 v
    psetex k 0 v
    psetex k 1 v extra
    setex k 1
    setnx k a
    setnx n a
    get n
    setnx n
    getset k a
    ttl k
    getset m b
    get m
    getset m
    getdel m
    getdel m
    exists m
    getdel
  `,
  GETEX: `
    getex k
    getex k ex 10
    getex k foo
    getex k ex x
    set k v
    getex k
    ttl k
    getex k ex 100
    ttl k
    getex k
    ttl k
    getex k persist
    ttl k
    getex k persist
    getex k px 100000
    ttl k
    getex k exat ${later}
    expiretime k
    getex k pxat ${later}001
    pexpiretime k
    getex k ex 0
    getex k ex x
    getex k exat -1
    getex k px 9223372036854775807
    getex k ex
    getex k ex 1 px 1
    getex k ex 1 persist
    getex k persist ex 1
    getex k persist persist
    getex k ex 10 ex 100
    ttl k
    getex k keepttl
    getex k nx
    getex k get
    getex k exat 1
    exists k
    getex
  `,
  "MGET, MSET, MSETNX": `
    mget a
    mset a 1 b 2
    mget a b c a
    mset a 3 a 4
    get a
    mset a
    mset a 1 b
    mset
    msetnx c 1 d 2
    msetnx d 3 e 4
    mget c d e
    msetnx f 1 f 2
    get f
    msetnx a 1 b
    msetnx a
    mget
    set t v ex 100
    mset t w
    ttl t
  `,
  "APPEND, STRLEN, SETRANGE": `
    append k ab
    append k cd
    get k
    append k ""
    append e ""
    exists e
    strlen k
    strlen nokey
    setrange k 1 XY
    get k
    setrange k 6 z
    get k
    setrange k 0 ""
    setrange n 0 ""
    exists n
    setrange n 3 x
    get n
    setrange k -1 x
    setrange k x x
    setrange k 67108864 x
    setrange k 9223372036854775807 x
    setrange k 9223372036854775808 x
    setrange k 9223372036854775807 ""
    setrange nokey 9223372036854775807 ""
    setrange nokey 67108864 x
    setrange k 67108863 ""
    expire k 100
    append k x
    ttl k
    setrange k 0 x
    ttl k
    append k
    strlen
    setrange k 0
  `,
  "GETRANGE and SUBSTR": `
    set k "Hello World"
    getrange k 0 4
    getrange k 0 -1
    getrange k -5 -1
    getrange k 4 2
    getrange k -2 -4
    getrange k 100 200
    getrange k 0 9223372036854775807
    getrange k -9223372036854775808 9223372036854775807
    getrange k 9223372036854775807 -1
    getrange k -9223372036854775808 -9223372036854775808
    getrange k -100 0
    getrange k -100 -50
    getrange k -1 -100
    getrange k -50 -100
    getrange k 10 10
    getrange k 11 11
    getrange k 0 9223372036854775808
    getrange k a 1
    getrange k 1 a
    getrange nokey 0 -1
    getrange nokey x 1
    set e ""
    getrange e 0 -1
    getrange e 0 0
    getrange e -1 -1
    substr k 0 4
    substr k -5 -1
    substr k x 1
    substr k 1
    getrange k 1
  `,
  "INCR, DECR, INCRBY, DECRBY": `
    incr n
    incr n
    decr n
    incrby n 10
    decrby n 3
    get n
    set n 9223372036854775806
    incr n
    incr n
    get n
    incrby n -9223372036854775807
    set n -9223372036854775807
    decr n
    decr n
    get n
    incrby n 9223372036854775807
    set n 9007199254740991
    incr n
    incr n
    decr n
    decr n
    decr n
    get n
    set n 9007199254740993
    incrby n -2
    decrby n -9223372036854775808
    set n 0
    decrby n -9223372036854775807
    set n 0
    decrby n 9223372036854775807
    decr n
    decr n
    incrby n -9223372036854775808
    set n 0
    incrby n -9223372036854775808
    incrby n x
    incrby n 1.5
    incrby n ""
    incrby n +1
    incrby n " 1"
    incrby n "1 "
    incrby n 01
    incrby n -0
    incrby n -
    incrby n 0
    incrby n 9223372036854775808
    incrby n -9223372036854775809
    incrby n 92233720368547758070
    incrby n "1\\u0000"
    set s abc
    incr s
    decr s
    incrby s 1
    incrby s x
    decrby s 1
    set s ""
    incr s
    set s " 1"
    incr s
    set s +1
    incr s
    set s 01
    incr s
    set s -0
    incr s
    set s 1.0
    incr s
    set s 9223372036854775808
    incr s
    set t 1 ex 100
    incr t
    ttl t
    incr
    incrby n
    decrby n 1 2
  `,
  INCRBYFLOAT: `
    incrbyfloat f 10.5
    incrbyfloat f 0.1
    incrbyfloat f -5
    get f
    incrbyfloat f 5.0e3
    incrbyfloat f 0x10
    incrbyfloat f 1e400
    incrbyfloat f inf
    incrbyfloat f -inf
    incrbyfloat f nan
    incrbyfloat f x
    incrbyfloat f ""
    incrbyfloat f " 1"
    incrbyfloat f "1 "
    incrbyfloat f +1
    incrbyfloat f 1e5000
    set f 3
    incrbyfloat f 1.000000000000000005
    incrbyfloat f -4
    incrbyfloat f 0
    set f abc
    incrbyfloat f 1
    incrbyfloat f x
    set f 1 ex 100
    incrbyfloat f 1.5
    ttl f
    set f "5.0"
    incrbyfloat f 0
    incrbyfloat f
  `,
  LCS: `
    set a ohmytext
    set b mynewtext
    lcs a b
    lcs a b len
    lcs a b idx
    lcs a b idx minmatchlen 4
    lcs a b idx minmatchlen 4 withmatchlen
    lcs a b idx withmatchlen
    lcs a b idx minmatchlen -1
    lcs a b idx minmatchlen 9223372036854775807
    lcs a b withmatchlen
    lcs a b minmatchlen 100
    lcs a b len idx
    lcs a b len minmatchlen 2
    lcs a b minmatchlen
    lcs a b minmatchlen x
    lcs a b foo
    lcs a nokey
    lcs a nokey idx
    lcs a nokey len
    lcs nokey nokey2 idx
    lcs a a
    lcs a a idx withmatchlen
    set c abcbdab
    set d bdcaba
    lcs c d
    lcs c d idx withmatchlen
    lcs d c idx withmatchlen
    set e "x\\u0000\\u00ffy"
    set f "\\u0000x\\u00ffyx"
    lcs e f idx withmatchlen
    lcs e f
    set g aaaaaaaaaa
    set h aabaacaad
    lcs g h idx withmatchlen
    lcs h g idx withmatchlen
    lcs h g IDX WithMatchLen MinMatchLen 2
    lcs a
    setrange big 5000 x
    lcs big big len
  `,
  "DEL, UNLINK, EXISTS, TOUCH, TYPE": `
    mset a 1 b 2 c 3 d 4
    exists a
    exists a a a nokey
    touch a b nokey
    del a nokey b b
    exists a b c
    unlink c nokey d d
    del nokey
    type a
    set a 1
    type a
    type
    del
    unlink
    exists
    touch
    type a b
  `,
  "EXPIRE and its kin": `
    expire nokey 10
    set k v
    expire k 100
    ttl k
    pexpire k 200000
    ttl k
    expireat k ${later}
    expiretime k
    pexpireat k ${later}499
    pexpiretime k
    expiretime k
    pexpireat k ${later}500
    expiretime k
    pexpireat k ${later}500 gt
    pexpireat k ${later}500 lt
    pexpireat k ${later}501 gt
    pexpireat k ${later}500 lt
    expire k 100 nx
    expire k 100 xx
    ttl k
    expire k 50 gt
    expire k 200 gt
    ttl k
    expire k 300 lt
    expire k 100 lt
    ttl k
    persist k
    persist k
    persist nokey
    ttl k
    pttl k
    expire k 100 xx
    expire k 100 gt
    expire k 100 lt
    ttl k
    persist k
    expire k 100 nx
    ttl k
    expire k 100 nx nx
    expire k 90 gt gt
    expire k 90 xx gt
    expire k 1000 xx gt
    expire k 500 xx lt
    ttl k
    expire k 10 nx xx
    expire k 10 nx gt
    expire k 10 lt nx
    expire k 10 gt lt
    expire k 10 nx gt lt
    expire k 10 xx gt lt
    expire k 10 foo
    expire k 10 "fo\\r\\no\\r\\n"
    expire k 10 "\\r\\nfo"
    expire k 10 "f\\u0000oo"
    expire k 10 ""
    expire k 10 nx foo gt
    expire k x foo
    expire k x nx gt
    expire k x nx
    expire k x
    expire k 1.5
    expire k ""
    expire nokey x
    expire nokey 10 foo
    expire nokey 9223372036854775807
    expire k 9223372036854775807
    expire k 9223372036854775808
    expire k 9223372036854775
    expire k -9223372036854775
    set k v
    expire k -9223372036854776
    expire k -9223372036854775808
    pexpire k 9223372036854775807
    pexpire k -9223372036854775808
    exists k
    set k v
    expireat k 9223372036854775807
    expireat k 9223372036854775
    expiretime k
    pexpireat k 9223372036854775807
    pexpiretime k
    expiretime k
    pexpireat k 9223372036854775806 gt
    pexpireat k 9223372036854775806 lt
    pexpiretime k
    pexpireat k 9007199254740993
    pexpiretime k
    pexpireat k 9007199254740992 gt
    pexpireat k 9007199254740991 lt
    pexpiretime k
    expire k 0
    exists k
    set k v
    expire k -1 gt
    exists k
    expire k -1
    exists k
    set k v ex 100
    pexpireat k 1 lt
    get k
    set k v
    expireat k 1
    ttl k
    expiretime nokey
    pexpiretime nokey
    ttl nokey
    pttl nokey
    set k v
    expiretime k
    pexpiretime k
    expire k
    expire
    ttl
    expiretime k k
    persist k k
  `,
  "COPY and MOVE": `
    copy a b
    set a 1 ex 100
    set b 2
    copy a b
    get b
    copy a b replace
    get b
    ttl b
    copy a a
    copy a a db 0
    copy a a db 1
    copy a a db 1
    copy a a db 1 replace
    copy a c db 15
    copy nokey a replace
    copy nokey nokey
    copy a b foo
    copy a b db
    copy a b db x
    copy a b db -1
    copy a b db 16
    copy a b db 16 foo
    copy a b foo db 16
    copy a b db 2147483648
    copy a b db -2147483649
    copy a b db 9223372036854775808
    copy a d db 3 db 4
    copy a b replace replace
    copy a
    select 1
    get a
    ttl a
    select 4
    get d
    select 3
    get d
    select 0
    move a 0
    move nokey 0
    move a 16
    move a -1
    move a x
    move a 99999999999
    move a 1
    move a 2
    exists a
    move a 2
    move a
    select 2
    get a
    ttl a
    move a 0
    exists a
  `,
  "RENAME and RENAMENX": `
    rename a b
    renamenx a b
    rename a a
    renamenx a a
    set a 1 ex 100
    rename a b
    exists a
    get b
    ttl b
    rename b b
    renamenx b b
    ttl b
    set c 3
    rename c b
    ttl b
    get b
    set c 4 ex 50
    renamenx c b
    renamenx c d
    ttl d
    get d
    rename a
    renamenx a b c
  `,
  "KEYS, SCAN, RANDOMKEY": `
    randomkey
    keys *
    scan 0
    set only 1
    randomkey
    keys *
    mset one 1 two 2 three 3 four 4 "h\\u00e9" 5 "a[b" 6
    keys *
    keys t*
    keys t[wh]*
    keys ?o*
    keys h*
    keys a\\\\[b
    keys [^t]*
    keys nothing
    keys ""
    keys
    scan 0 count 100
    scan 0 count 100 match t*
    scan 0 match * count 100
    scan 0 count 100 type string
    scan 0 count 100 type STRING
    scan 0 count 100 type list
    scan 0 count 100 type foo
    scan 0 type list type string count 100
    scan 0 match foo match t* count 100
    scan 0 count 9223372036854775807
    scan 0 count 0
    scan 0 count -1
    scan 0 count x
    scan 0 count 9223372036854775808
    scan 0 count
    scan 0 match
    scan 0 type
    scan 0 foo
    scan 0 foo bar
    scan x
    scan x foo
    scan " 0"
    scan "0 "
    scan 0x0
    scan + count 100
    scan - count 100
    scan 18446744073709551616
    scan -18446744073709551616
    scan 1.0
    scan "" count 100
    scan "0\\u0000x" count 100
    scan +0 count 100
    scan -0 count 100
    scan 00 count 100
    scan
    randomkey x
  `,
  MEMORY: `
    memory
    memory nosuch
    memory usage
    memory usage none
    memory usage none samples
    memory usage none samples x
    memory usage none samples -1
    memory usage none samples 0
    memory usage none samples 3 SAMPLES 4
    memory usage none samples 9223372036854775807
    memory usage none samples 9223372036854775808
    memory usage none samples 3 x
    memory usage none x 3
    memory stats x
    memory doctor x
    memory purge x
    memory malloc-stats x
    memory help
    memory help x
  `,
  OBJECT: `
    object
    object foo
    object "f\\r\\noo" x
    object encoding
    object encoding nokey
    object refcount nokey
    object freq nokey
    object idletime nokey
    object help
    OBJECT HELP
    object help x
    set k 123
    object encoding k
    object refcount k
    set k -1
    object encoding k
    object refcount k
    set k 9999
    object refcount k
    set k 10000
    object refcount k
    set k 9223372036854775807
    object encoding k
    set k 9223372036854775808
    object encoding k
    set k 01
    object encoding k
    set k ""
    object encoding k
    set k 12345678901234567890123456789012345678901234
    object encoding k
    set k 123456789012345678901234567890123456789012345
    object encoding k
    object refcount k
    object freq k
    object freq k k
    incr n
    object encoding n
  `,
  "A list where a string should be": `
    rpush l x
    get l
    set l v get
    set l v get ex 0
    set l v nx get
    set l v get foo
    set l v nx
    setnx l v
    getset l v
    getdel l
    getex l
    getex l ex 0
    getex l foo
    mget l nokey
    append l x
    strlen l
    setrange l 1 x
    setrange l -1 x
    setrange l 1 ""
    setrange l 67108864 x
    getrange l 0 1
    getrange l x 1
    substr l 0 1
    incr l
    decr l
    incrby l 1
    incrby l x
    decrby l -9223372036854775808
    incrbyfloat l 1
    incrbyfloat l x
    lcs l nokey
    lcs nokey l len idx
    lcs l nokey foo
    msetnx l 1 n 2
    exists l
    expire l 100
    copy l m
    rename l n
    exists n
    ttl n
    set n v
    get n
    mset m 1
    get m
  `,
  "Unknown commands and arities": `
    foo
    foo a b
    foo "a\\r\\nb" "c\\u0000d" e
    "fo\\r\\no" x
    "f\\u0000oo" x
    ""
    "" a
    foo ""
    foo "" "" ""
    ${"x".repeat(300)} a
    foo ${"a".repeat(100)} ${"b".repeat(50)} c
    foo ${"a".repeat(124)} b
    foo ${"a".repeat(125)} b
    foo ${"a".repeat(126)} b
    foo ${"a".repeat(128)} ""
    foo ${"a ".repeat(60)}
    foo "\\u00ff\\u0080"
    object ${"x".repeat(200)} y
    obJect foo
    object "a\\u0000b"
    object freq
    object freq a b
    getx
    get|x
    object|freq a
  `,
};
