// A person with a browser in which no script runs.

export class Visitor {
  /** Opens a browser context in a language. What a page asks of another origin than the stack is a fault. */
  static async open(browser, stack, inspection, { lang, provider, width, scheme }) {
    const visitor = new Visitor();
    Object.assign(visitor, { stack, inspection, lang, provider });
    visitor.context = await browser.newContext({
      javaScriptEnabled: false, locale: lang === 'zh' ? 'zh-CN' : 'en-GB',
      viewport: { width, height: 900 }, colorScheme: scheme,
    });
    visitor.context.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol !== 'data:' && url.origin !== stack.url) inspection.fault(`a page asked for ${url}`);
    });
    visitor.page = await visitor.context.newPage();
    visitor.page.on('console', (message) => {
      // A page that is refused on purpose is answered with a status that Chromium writes down.
      const is_status = message.text().startsWith('Failed to load resource: the server responded with a status');
      if (message.type() === 'error' && !is_status) inspection.fault(`${visitor.page.url()}: ${message.text()}`);
    });
    return visitor;
  }

  /** The document that an action leads to, after all redirects. */
  async follow(action) {
    const is_document = (response) => {
      const request = response.request();
      const is_redirect = response.status() >= 300 && response.status() < 400;
      return request.isNavigationRequest() && response.frame() === this.page.mainFrame() && !is_redirect;
    };
    const [response] = await Promise.all([this.page.waitForResponse(is_document), action()]);
    this.html = await response.text();
    await this.page.waitForLoadState();
    this.status = response.status();
    this.policy = response.headers()['content-security-policy'];
    this.url = response.url();
  }

  async open(path, status = 200) {
    await this.follow(() => this.page.goto(new URL(path, this.stack.url).href));
    this.expect(`status of ${path}`, this.status, status);
  }

  /** Opens a page of the provider. */
  own(page, status) {
    return this.open(`/portal/providers/${this.provider}/${page}`, status);
  }

  click(selector) {
    return this.follow(() => this.page.locator(selector).first().click());
  }

  async fill(selector, text) {
    await this.page.locator(selector).fill(text);
  }

  /** Looks at the page as it is now. `pages` is how many it takes on paper, if that is checked. */
  see(name, { pages } = {}) {
    const { lang, url, html, policy } = this;
    this.expect(`language of ${name}`, html.includes(`<html lang="${lang === 'zh' ? 'zh-Hans' : 'en'}">`), true);
    this.inspection.add({ name, lang, url, html, policy, pages });
  }

  /** The same for a page that speaks English only. */
  seeForeign(name) {
    const { lang, url, html, policy } = this;
    this.inspection.add({ name, lang, url, html, policy });
  }

  expect(what, found, expected) {
    if (found !== expected) throw new Error(`${this.lang}: ${what}: expected ${expected}, found ${found}\n${this.page.url()}`);
  }

  /** The digits of a figure, such as 1234.50. */
  async figure(selector) {
    const text = await this.page.locator(selector).first().textContent();
    return text.replace(/[^\d.−]/g, '');
  }

  async has(selector) {
    return await this.page.locator(selector).count() > 0;
  }
}
