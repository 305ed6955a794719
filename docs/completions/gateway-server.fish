# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gateway_server_global_optspecs
    string join \n mount= static= app-dir= bind= lint set= strict config= check-config print-config check list engines in-child static-symlinks= static-index= autoindex static-max-age= not-found= backlog= socket-mode= socket-owner= vacuum= tls-cert= tls-key= trusted-proxies= front-allow= proxy-protocol forwarded= engine= connections= loops= threads= queue= queue-timeout= hand-over= trigger= stack-size= fork-create= workers= no-master pidfile= start-timeout= reload-step= watch pre-stop-delay= max-requests= max-requests-jitter= max-worker-age= max-worker-rss= max-late-calls= worker-timeout= stats= stats-token-file= chdir= umask= user= group= daemonize= log-file= log-format= log-level= access-log= access-log-format= max-line= max-head= max-fields= max-body= max-spool= spool-dir= keep-alive-requests= underscore-headers= head-timeout= body-timeout= body-rate= keep-alive-timeout= write-timeout= request-timeout= graceful-timeout= h/help V/version
end

function __fish_gateway_server_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gateway_server_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gateway_server_using_subcommand
    set -l cmd (__fish_gateway_server_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gateway-server -n "__fish_gateway_server_needs_command" -l mount -d 'Serve an app below a path, /PREFIX=MODULE:APP, or for a host, HOST/PREFIX=MODULE:APP with example.org or *.example.org; may be given several times' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l static -d 'Serve the files of a folder below a path, /PREFIX=DIR, or for a host, as --mount does apps; may be given several times' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l app-dir -d 'Serve each module of a folder, /PREFIX=DIR: DIR/libNAME.so at /PREFIX/NAME, reloaded when the folder changes; may be given several times' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l bind -d 'Listen on ADDR: 127.0.0.1:8000, [::1]:8000, http:// or https:// before them, unix:/run/app.sock, fd://3 or systemd; uwsgi://, scgi:// or fastcgi:// before any of these; may be given several times; port 0 takes a free one' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l set -d 'Configure each app, or with PLACE:KEY=VALUE the one that is mounted there; may be given several times' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l config -d 'Read settings from a TOML file; GATEWAY_CONFIG names one as well' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l static-symlinks -d 'The symbolic links in folders of --static that are followed: none, those that stay inside, or all [default: inside]' -r -f -a "never\t''
inside\t''
anywhere\t'Whoever can make a link there shows what the server may read'"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l static-index -d 'What is sent for a folder, where it has such a file; may be given several times, the first one counts [default: index.html]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l static-max-age -d 'How long clients may use a file without asking again [default: nothing is said]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l not-found -d 'The page for what is not there, sent with 404 [default: a short one]' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l backlog -d 'How many clients may wait to be accepted; the system has a limit of its own' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l socket-mode -d 'The permissions of Unix sockets, as for chmod [default: what the umask leaves]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l socket-owner -d 'Whose the files of Unix sockets are: USER, USER:GROUP or :GROUP; another user needs root' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l vacuum -d 'Whether the files of Unix sockets are removed at the end: --vacuum=false leaves them' -r -f -a "true\t''
false\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l tls-cert -d 'Speak TLS at TCP addresses, but those with http://: the server\'s certificate, and its issuers\' behind it, as PEM' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l tls-key -d 'The private key of --tls-cert, as PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l trusted-proxies -d 'Believe these peers about who their clients are: addresses, networks as 10.0.0.0/8, unix for Unix sockets; separated by commas' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l front-allow -d 'Let web servers of these addresses or networks speak uwsgi, SCGI and FastCGI, besides those of this machine; separated by commas' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l forwarded -d 'The headers that trusted proxies tell of their clients by [default: x-forwarded]' -r -f -a "x-forwarded\t'X-Forwarded-For and X-Forwarded-Proto'
forwarded\t'RFC 7239'
off\t'None'"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l engine -d 'How clients are served: --engines lists the models' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l connections -d 'Serve at most N connections at once; others wait [default: fork 256, thread 1024, loops 16384]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l loops -d 'leader: how many threads poll at once [default: the cores of this process]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l threads -d 'leader: the most calls of the app at once [default: 64]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l queue -d 'leader: let at most N requests wait for one of these calls to end; 503 beyond [default: as many as come]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l queue-timeout -d 'leader: let each of them wait for so long; then 503; 0s for ever [default: 30s]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l hand-over -d 'leader: hand polling over once calls turn out to block, before each call, or never [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l trigger -d 'epoll: tell of readiness as long as it lasts, or once when it comes [default: level]' -r -f -a "level\t''
edge\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l stack-size -d 'coroutine: the stack of each; an app that needs more ends the server [default: 256KiB]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l fork-create -d 'fork: create the app once, or in each child: for apps that start threads [default: parent]' -r -f -a "parent\t''
child\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l workers -d 'How many processes serve, under a master that replaces and reloads them; 0 or auto: as many as cores' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l pidfile -d 'Write this process\'s id, the master\'s where there is one, to FILE, which is removed at the end' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l start-timeout -d 'How long a worker may take to load the module and to create the app' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l reload-step -d 'At a reload, old workers go when all new ones serve, or one for each' -r -f -a "all\t''
one\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l pre-stop-delay -d 'Serve on for so long when told to stop, each answer the last of its connection: until balancers have heard of it' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-requests -d 'Replace a worker that has had N requests, by one that is ready; 0 for never' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-requests-jitter -d 'Let each worker have up to N requests more, so that they are not replaced at once [default: a tenth]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-worker-age -d 'Replace a worker that has served for so long; 0s for never' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-worker-rss -d 'Replace a worker that holds so much memory (RSS) [default: never]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-late-calls -d 'leader: replace a worker with N calls that run on after --request-timeout [default: half of --threads]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l worker-timeout -d 'Kill and replace a worker one of whose loops has not come round for so long; 0s for never' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l stats -d 'Tell operators how the server does, at an address of its own: a page, /stats, /metrics, /live, /ready; as for --bind, but only 127.0.0.1, [::1], localhost or unix: without a token' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l stats-token-file -d 'Tell only those who know what is in FILE, at least 16 characters, as a bearer token or as the password of any user; /live and /ready tell everybody' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l chdir -d 'Go to DIR first: all relative paths but those of the file begin there' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l umask -d 'The permissions that new files do not get: 0027 [default: as it was started with]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l user -d 'Serve as USER or USER:GROUP, once the addresses are bound and before the app is loaded; needs root' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l group -d 'The same for the group, of --user or alone' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l daemonize -d 'Go on in the background once the server serves; from the start its output goes to the end of LOGFILE' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l log-file -l log -d 'Write the log to the end of FILE, which USR1 opens anew [default: standard error]' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l log-format -d 'The log\'s lines: for people, or objects of JSON' -r -f -a "text\t''
json\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l log-level -d 'How much the log says; GATEWAY_LOG wins, which can also choose by who says it' -r -f -a "error\t''
warn\t''
info\t''
debug\t''
trace\t''"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l access-log -d 'Write a line for each answer to the end of FILE, which USR1 opens anew; - for standard output' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l access-log-format -d 'What these lines have: common, combined, json, or a format as \'%h %t "%r" %s %b\' [default: combined]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-line -d 'The request line; 414 beyond' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-head -d 'The request line and all header fields; 431 beyond' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-fields -d 'Header fields; 431 beyond; at most 256' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-body -d 'A request body; 413 beyond' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l max-spool -d 'A request body that is kept until it is complete, on engines that do so; 413 beyond' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l spool-dir -d 'Where such bodies are kept beyond 64 KiB [default: the folder for temporary files]' -r -F
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l keep-alive-requests -d 'Requests of one connection; 0 for no limit' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l underscore-headers -d 'Header names with an underscore, which CGI cannot tell from a hyphen' -r -f -a "drop\t'Leave the header out'
refuse\t'Answer 400'
allow\t'Let it stand in the header list, never as HTTP_...'"
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l head-timeout -d 'From a head\'s first byte, or the connection\'s start, to its end; 408 beyond' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l body-timeout -d 'Before a body has to come at --body-rate; 408 beyond' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l body-rate -d 'What a body has to bring per second after that' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l keep-alive-timeout -d 'Between two requests; 0s closes after each' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l write-timeout -d 'Without any progress of a response' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l request-timeout -d 'leader: for one call of the app; 504 beyond, or a cut where it has begun to answer [default: none]' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l graceful-timeout -d 'What running requests get at the end' -r
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l lint -d 'Check app and server against the rules of the interface, request by request'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l strict -d 'Refuse a module that others can write to, instead of warning'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l check-config -d 'Read all settings, say "ok" or what is wrong with them, and end'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l print-config -d 'Print all settings as a TOML file, each with where it comes from, and end'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l check -d 'Load each module and create its app in a child process, say how that went, and end'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l list -d 'Print the module\'s apps, versions and build, and end'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l engines -d 'Print the engines, a line for each, and end'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l in-child -d 'This is the child that --check or --list has started'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l autoindex -d 'List what a folder has that has no such file'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l proxy-protocol -d 'Connections of trusted proxies begin with a PROXY header, version 1 or 2; one without it is closed'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l no-master -d 'Serve in this process alone: nobody replaces or reloads it'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -l watch -d 'Reload when a module\'s file has changed'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -s V -l version -d 'Print version'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -a "reload" -d 'Have a server load its app anew, and wait until it has, or has not and why'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -a "upgrade" -d 'Have the program that is there now take over from a server, and wait until it has'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -a "stop" -d 'Stop a server, and wait until it has ended'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -a "status" -d 'Say whether a server runs, since when, and with how many workers; ends with 0 if it does, with 3 if not'
complete -c gateway-server -n "__fish_gateway_server_needs_command" -a "top" -d 'Show how a server does, again and again: what its --stats tells'
complete -c gateway-server -n "__fish_gateway_server_using_subcommand reload" -s h -l help -d 'Print help'
complete -c gateway-server -n "__fish_gateway_server_using_subcommand upgrade" -s h -l help -d 'Print help'
complete -c gateway-server -n "__fish_gateway_server_using_subcommand stop" -s h -l help -d 'Print help'
complete -c gateway-server -n "__fish_gateway_server_using_subcommand status" -s h -l help -d 'Print help'
complete -c gateway-server -n "__fish_gateway_server_using_subcommand top" -l token-file -d 'What its --stats-token-file is, or one of the same content; GATEWAY_STATS_TOKEN_FILE names one as well' -r -F
complete -c gateway-server -n "__fish_gateway_server_using_subcommand top" -l once -d 'Show it once'
complete -c gateway-server -n "__fish_gateway_server_using_subcommand top" -s h -l help -d 'Print help'
