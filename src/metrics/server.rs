// SPDX-License-Identifier: MPL-2.0

//! The server: HTTP/1.1 on a thread of its own, for whoever asks, and how many may, for how long.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time;

use super::access::Token;
use super::connection::Connection;
use super::events::MOST_READERS;
use super::reader::MOST_THREADS;
use super::service::{Offer, Service};
use crate::broken_pipe;

/// Connections at the same time, beside those of events; for one more the oldest is closed.
const MOST_CONNECTIONS: usize = 64 - MOST_READERS;
/// Bytes of a request before its body.
const MOST_REQUEST: usize = 8 * 1024;
/// Time to send a request.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// Time from the start of a connection to the last byte of its answer, but for events.
const CONNECTION_TIME: Duration = Duration::from_secs(15);
/// Time until the next attempt where a connection could not be taken, since the process has no room for one more file.
const PAUSE: Duration = Duration::from_millis(100);

/// A server, up to its drop.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<Infallible>,
}

impl Server {
    /// Serves on a thread of its own.
    ///
    /// # Errors
    ///
    /// When the address is taken or none of this machine, or there is no thread to be had.
    pub fn start(address: SocketAddr, service: Service) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MOST_THREADS)
            .thread_name("avrec reader")
            .build()?;
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let serve = move || {
            broken_pipe::be_an_error();
            runtime.block_on(async move {
                let service = Arc::new(service);
                let (streams, news) = (service.clone(), service.clone());
                tokio::spawn(async move { streams.tell_streams().await });
                tokio::spawn(async move { news.tell_news().await });
                tokio::spawn(serve(listener, address.ip(), service));
                // The rest ends with the runtime.
                let _ = stopped.await;
            });
            // An element that hangs is not waited for.
            runtime.shutdown_background();
        };
        thread::Builder::new().name("avrec metrics".into()).spawn(serve)?;
        Ok(Server { address, _stop: stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, bound: IpAddr, service: Arc<Service>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = VecDeque::<Arc<Connection>>::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            time::sleep(PAUSE).await;
            continue;
        };
        // Those of events have a limit of their own.
        connections.retain(|it| !it.is_over() && !it.goes_on());
        if connections.len() == MOST_CONNECTIONS {
            // Who scrapes is through at once; the oldest one is slow.
            if let Some(oldest) = connections.pop_front() {
                oldest.close();
            }
        }
        let connection = Arc::<Connection>::default();
        let task = tokio::spawn(converse(stream, bound, service.clone(), connection.clone()));
        connection.set_task(task.abort_handle());
        connections.push_back(connection);
    }
}

/// Answers the one request of a connection.
async fn converse<S>(stream: S, bound: IpAddr, service: Arc<Service>, connection: Arc<Connection>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let own = connection.clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, connection) = (service.clone(), own.clone());
        async move { Ok::<_, Infallible>(service.answer(request, bound, &connection).await) }
    });
    let mut conversation = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_TIME)
            .max_buf_size(MOST_REQUEST)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), answer)
    );
    // Who sends nonsense, or goes, concerns nobody else.
    let in_time = time::timeout(CONNECTION_TIME, conversation.as_mut()).await;
    if in_time.is_err() && connection.goes_on() {
        let _ = conversation.await;
    }
}

/// What comes of bytes that somebody sends, without a network, and with nothing to see: for tests that look for any that
/// would do harm.
#[doc(hidden)]
pub fn answer_anything(sent: &[u8]) -> Vec<u8> {
    thread_local! {
        static RUNTIME: io::Result<runtime::Runtime> = runtime::Builder::new_current_thread().enable_time().build();
    }
    /// Longer than it takes to ask nobody. Events go on, as long as anybody reads them.
    const PATIENCE: Duration = Duration::from_millis(10);
    let offer = Offer {
        page: true,
        control: Token::chosen("fedcba9876543210"),
    };
    let service = Arc::new(Service::new(Arc::default(), offer));
    let (own, others) = tokio::io::duplex(sent.len().max(1));
    let ask = async {
        let localhost = IpAddr::from([127, 0, 0, 1]);
        let conversation = tokio::spawn(converse(others, localhost, service, Arc::default()));
        let (mut reads, mut writes) = tokio::io::split(own);
        let _ = writes.write_all(sent).await;
        let (mut answer, mut length) = (vec![0; 4096], 0);
        // Who is gone before the answer begins gets none. What is not whole gets none anyway, and more may never come.
        let is_whole = sent.windows(4).any(|it| it == b"\r\n\r\n");
        let mut patience = if is_whole { PATIENCE } else { Duration::ZERO };
        for _ in 0..2 {
            while let Ok(Ok(count @ 1..)) = time::timeout(patience, reads.read(&mut answer[length..])).await {
                length += count;
            }
            let _ = writes.shutdown().await;
            patience = PATIENCE;
        }
        conversation.abort();
        answer.truncate(length);
        answer
    };
    RUNTIME.with(|it| it.as_ref().map(|it| it.block_on(ask)).unwrap_or_default())
}
