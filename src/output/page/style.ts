/** The page's looks. Colours are pairs for light and dark; every text colour has a contrast of at least 4.5 on its ground. */
export const style = `
:root{color-scheme:light dark;
--ground:light-dark(#f6f6f3,#131416);--paper:light-dark(#fff,#1c1e21);--ink:light-dark(#1b1c1f,#ececea);--quiet:light-dark(#5c5f66,#a2a6ae);
--line:light-dark(#dddcd6,#33363b);--link:light-dark(#0b57a8,#8ab8f5);--code:light-dark(#f0efeb,#25282c);
--fails:light-dark(#b3261e,#ff8a80);--unknown:light-dark(#5f6368,#b0b4bb);--at_risk:light-dark(#8a5300,#f5bf5b);--pulls:light-dark(#17703a,#74d296)}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%}
a{color:var(--link);text-underline-offset:.15em}a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
code,pre,.image,.url,.method{font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{font-size:.9em}
.quiet{color:var(--quiet);font-weight:400}
.hidden,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip:focus{position:fixed;top:8px;left:8px;padding:8px 12px;background:var(--paper);z-index:1}
.inner,main,footer{max-width:60rem;margin:0 auto;padding:0 20px}
.top{background:var(--paper);border-bottom:1px solid var(--line);border-top:6px solid var(--unknown);padding:22px 0 16px}
.top.a-ready{border-top-color:var(--pulls)}.top.a-not_ready{border-top-color:var(--fails)}
h1{margin:0 0 12px;font-size:1.05rem;font-weight:500;overflow-wrap:anywhere}
.brand{font-weight:700;padding-right:10px;margin-right:8px;border-right:1px solid var(--line)}
.answer{margin:0 0 16px;font-size:clamp(1.7rem,5.4vw,2.6rem);line-height:1.15;font-weight:680;letter-spacing:-.02em;text-wrap:balance}
.tally{display:block;width:100%;height:10px;border-radius:5px;background:var(--code)}
.counts{list-style:none;display:flex;flex-wrap:wrap;gap:8px 20px;margin:14px 0 10px;padding:0}
.counts a{display:inline-block;padding:2px 0;color:inherit;text-decoration:none}.counts a:hover{text-decoration:underline}
.fresh{margin:0;color:var(--quiet);font-size:.92rem}.fresh a{white-space:nowrap}
main{padding-top:8px;padding-bottom:24px}
h2{font-size:1.05rem;margin:30px 0 10px;font-weight:650}
.prospects time,.hosts time{white-space:nowrap}.calm{margin:0;color:var(--quiet)}
.prospects{list-style:none;margin:0;padding:0;background:var(--paper);border:1px solid var(--line);border-radius:10px;overflow:hidden}
.prospects li{display:grid;grid-template-columns:9.5rem minmax(0,1fr);gap:2px 18px;padding:12px 18px 12px 13px;border-left:5px solid var(--unknown);border-bottom:1px solid var(--line)}.prospects li:last-child{border-bottom:0}
.prospects .e-fails{border-left-color:var(--at_risk)}.untold li{grid-template-columns:minmax(0,1fr)}
.prospects p{margin:0;overflow-wrap:anywhere}.when strong{display:block;font-size:1.12rem;line-height:1.35}.when span{color:var(--quiet);font-size:.9rem}.do{font-weight:600}.prospects .quiet{font-size:.86rem;margin-top:3px}
.fold{margin-top:12px}.fold .prospects,.fold .hosts{margin-top:8px}
.hosts{list-style:none;margin:0;padding:0;display:grid;gap:12px}.hosts li{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:10px 18px}
.hosts p{margin:0;display:flex;gap:2px 12px;flex-wrap:wrap;align-items:baseline}.hosts .timeline{margin-top:6px}.w-fails{color:var(--fails);font-weight:600}.w-falters{color:var(--at_risk);font-weight:600}.w-works{color:var(--pulls)}
.cards{list-style:none;margin:0;padding:0;display:grid;gap:14px}
.card{background:var(--paper);border:1px solid var(--line);border-left:5px solid var(--unknown);border-radius:10px;padding:16px 18px;min-width:0}
.c-fails{border-left-color:var(--fails)}.c-at_risk{border-left-color:var(--at_risk)}.c-pulls{border-left-color:var(--pulls)}
h3{margin:0;font-size:1rem;font-weight:600;display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
.image{overflow-wrap:anywhere;min-width:0}
.card header p{margin:4px 0 0;font-size:.9rem}
.badge{display:inline-block;min-width:1.6em;padding:1px 9px;border-radius:99px;font:600 .82rem/1.5 system-ui,sans-serif;text-align:center;color:var(--paper);background:var(--unknown);white-space:nowrap}
.b-fails{background:var(--fails)}.b-at_risk{background:var(--at_risk)}.b-pulls{background:var(--pulls)}
dl{margin:14px 0 0;display:grid;gap:6px}
dl div{display:grid;grid-template-columns:6rem 1fr;gap:12px}
dt{color:var(--quiet);font-size:.9rem;padding-top:.1em}dd{margin:0;overflow-wrap:anywhere}
.cause dd,.remedy dd{font-size:1.05rem}.remedy dd{font-weight:600}
.timeline{margin:16px 0 0}
.timeline svg{display:block;width:100%;height:24px}
figcaption{display:flex;justify-content:space-between;color:var(--quiet);font-size:.8rem;margin-top:3px}
.floor{fill:var(--line)}.v-pulls{fill:var(--pulls)}.v-at_risk{fill:var(--at_risk)}.v-fails{fill:var(--fails)}.v-unknown{fill:var(--unknown)}.v-forgotten{fill:var(--line)}
.kubelet{margin-top:14px}.kubelet p{margin:0 0 4px;font-size:.92rem}
pre{margin:0;padding:10px 12px;background:var(--code);border-radius:6px;font-size:.84rem;line-height:1.45;white-space:pre-wrap;overflow-wrap:anywhere}
h4{margin:16px 0 6px;font-size:.95rem}
.forecasts{margin:0;padding:0;list-style:none;display:grid;gap:10px}.forecasts p{margin:0}.forecasts dl{margin-top:4px;gap:2px}.forecasts li{border-left:3px solid var(--line);padding-left:12px}.forecasts .e-fails{border-left-color:var(--at_risk)}
.evidence{position:relative;margin-top:14px;border-top:1px solid var(--line);padding-top:10px;min-height:2.2rem}
.dull{margin-top:14px}
summary{cursor:pointer;font-weight:600;font-size:.95rem}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;margin:12px 0 4px;font-size:.82rem;color:var(--quiet)}
.legend svg{width:10px;height:10px;margin-right:5px}
.waterfall,.routes{list-style:none;margin:8px 0 0;padding:0;display:grid;gap:12px}
.waterfall p{margin:0}.waterfall svg{display:block;width:100%;height:14px;margin:4px 0 3px;border-radius:3px}
.ask{display:flex;gap:10px;align-items:baseline;font-size:.86rem}.method{font-weight:600}.url{overflow-wrap:anywhere;min-width:0;flex:1;font-size:.95em}
.got{font-weight:600;white-space:nowrap}.bad{color:var(--fails)}
.waterfall .quiet,.routes,details>.quiet{font-size:.84rem}
.routes{gap:4px}
.lane{fill:var(--code)}
.s-dns{fill:light-dark(#5b6bc0,#8f9be8)}.s-tcp{fill:light-dark(#00838f,#4db6c4)}.s-proxy{fill:light-dark(#6d4c41,#bfa094)}.s-tls{fill:light-dark(#8e3fa0,#ce93d8)}
.s-auth{fill:light-dark(#b26a00,#ffb74d)}.s-manifest{fill:light-dark(#2e7d32,#81c784)}.s-blob{fill:light-dark(#1565c0,#64a9f0)}.s-failed{fill:var(--fails)}
.scroll{overflow-x:auto;margin-top:12px}
table{border-collapse:collapse;font-size:.86rem;width:100%}caption{text-align:left;font-weight:600;padding-bottom:4px}
th,td{text-align:left;padding:3px 14px 3px 0;border-bottom:1px solid var(--line);white-space:nowrap}th{font-weight:500;color:var(--quiet)}
.links{margin:0;font-size:.88rem;display:flex;gap:16px;justify-content:flex-end}.links a{padding:2px 0}
details+.links{position:absolute;top:8px;right:0}
.g-pulls{gap:0;border:1px solid var(--line);border-radius:10px;background:var(--paper);overflow:hidden}
.g-pulls .card{border-width:0 0 1px 5px;border-radius:0}.g-pulls .card:last-child{border-bottom-width:0}
.sum{margin:0 0 12px;color:var(--quiet)}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:14px;margin-top:14px}.pair p{margin:0 0 4px;font-size:.92rem;overflow-wrap:anywhere}
.dull ul{list-style:none;margin:8px 0 0;padding:0;display:grid;gap:6px;font-size:.86rem}
.empty{padding:40px 0;text-align:center;color:var(--quiet)}
footer{padding:0 20px 32px;color:var(--quiet);font-size:.86rem}
@media (max-width:34rem){.inner,main,footer{padding-left:14px;padding-right:14px}.card{padding:14px}dl div,.pair,.prospects li{grid-template-columns:minmax(0,1fr)}.prospects li{padding-right:14px}.when strong{display:inline;margin-right:8px}dl div{gap:0}dt{font-size:.82rem}.ask{flex-wrap:wrap;gap:0 8px}.url{flex-basis:100%;order:3}}
@media (min-width:48rem){.g-pulls article{display:grid;grid-template-columns:minmax(0,1fr) 15rem;gap:0 28px;align-items:start}.g-pulls header,.g-pulls article>dl,.g-pulls h4,.g-pulls .forecasts,.g-pulls .kubelet{grid-column:1}.g-pulls .timeline{grid-column:2;grid-row:1;margin:2px 0 0}.g-pulls .evidence{grid-column:1/-1;border:0;margin-top:0}}
@media (forced-colors:active){.badge{border:1px solid}svg rect{forced-color-adjust:none}}
@media print{:root{color-scheme:light}body,.top,.card,.g-pulls{background:#fff}body{font-size:11pt}.card,.prospects li,.hosts li,h2{break-inside:avoid}.prospects,.hosts li{background:#fff}h2{break-after:avoid}.badge{color:#000;background:none;border:1px solid}.skip,.links,.fresh a{display:none}svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
